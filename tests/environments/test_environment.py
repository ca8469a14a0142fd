"""What every environment provides: tasks by address, grading, demonstrations, clear errors."""

import json
import pickle
import random
from dataclasses import FrozenInstanceError, dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.environments import Draft, Environment, GraderError, Holdout, Task, load
from rlskills.environments.environment import EmptySplit
from rlskills.errors import UnknownName, UserError


class Sums(Environment):
    """Add two numbers.

    More text.
    """

    @dataclass(frozen=True)
    class Config(Environment.Config):
        digits: int = 2
        words: bool = False

        def __post_init__(self):
            if self.digits < 1:
                raise ValueError("digits must be positive")

    name = "sums"
    levels = ({"digits": 3}, {"digits": 6})

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        a, b = rng.randrange(10**cfg.digits), rng.randrange(10**cfg.digits)
        return Draft(f"{a}+{b}=?", str(a + b), ("add",), {"a": a, "b": b})


class Partial(Sums):
    """Half marks for the right length."""

    def verify(self, task: Task, answer: str) -> float:
        if answer == task.answer:
            return 1.0
        return 0.5 if len(answer) == len(task.answer or "") else 0.0


class Chat(Sums):
    """Asks in two messages."""

    def make(self, rng: random.Random, cfg: Sums.Config) -> Draft:
        draft = super().make(rng, cfg)
        system = {"role": "system", "content": "Add."}
        return Draft((system, {"role": "user", "content": str(draft.prompt)}), draft.answer)


def test_a_task_has_its_address_and_a_key_of_its_content():
    task = Sums().task("train", 2, 7)
    assert (task.env, task.split, task.level, task.index) == ("sums", "train", 2, 7)
    assert task.depth == 2  # the level, where a draft does not say
    assert task.answer == str(task.data["a"] + task.data["b"])
    assert task.key != Sums().task("train", 2, 8).key


addresses = st.tuples(st.sampled_from(["train", "test"]), st.sampled_from([1, 2]), st.integers())


@settings(max_examples=50, deadline=None)
@given(st.lists(addresses, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_tasks_do_not_depend_on_the_order_of_access(wanted, shuffler):
    env = Sums(seed=3)
    first = {address: env.task(*address) for address in wanted}
    shuffler.shuffle(wanted)
    random.seed(shuffler.random())
    assert {address: env.task(*address) for address in wanted} == first
    assert {address: Sums(seed=3).task(*address) for address in wanted} == first


def test_a_stream_starts_anywhere():
    env = Sums()
    stream = env.tasks("test", 1, start=5)
    assert [next(stream) for _ in range(2)] == [env.task("test", 1, 5), env.task("test", 1, 6)]


def test_seed_version_and_options_change_the_tasks():
    class Newer(Sums):
        version = 2

    task = Sums().task("train", 1, 0)
    others = [Sums(seed=1), Newer(), Sums(words=True)]
    assert task not in [env.task("train", 1, 0) for env in others]


def test_levels_override_options():
    assert Sums(digits=9).config(1).digits == 3
    assert Sums(words=True).config(2) == Sums.Config(digits=6, words=True)


@pytest.mark.parametrize("level", [0, 3, -1, "1", None])
def test_an_unknown_level_is_named(level):
    with pytest.raises(UnknownName, match=r"level of sums.*known: 1, 2"):
        Sums().task("train", level, 0)


def test_an_unknown_split_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        Sums().task("trian", 1, 0)
    with pytest.raises(UnknownName):
        Sums().task("ood_skill", 1, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digit": 3}, "did you mean 'digits'"),
        ({"digits": 0}, "digits must be positive"),
        ({"reward": "papper"}, "did you mean 'paper'"),
        ({"reward": "anser:1"}, "part of the reward 'anser'; did you mean 'answer'"),
        ({"reward": {"bonus": 1}}, "unknown part of the reward 'bonus'"),
        ({"reward": "answer:much"}, "weight of 'answer'.*not 'much'"),
        ({"reward": "answer:nan"}, "must be a number"),
        ({"reward": "answer:1,answer:2"}, "two weights"),
        ({"reward": "answer:1,,"}, "part of the reward ''"),
    ],
)
def test_wrong_options_are_user_errors(options, message):
    with pytest.raises(UserError, match=message):
        Sums(**options)


def test_a_wrong_level_is_a_user_error():
    class Wrong(Sums):
        levels = ({"digitz": 2},)

    with pytest.raises(UserError, match="did you mean 'digits'"):
        Wrong()


def test_an_empty_split_is_said_to_be_empty():
    class OneSkill(Sums):
        holdout = Holdout(depth_above=5)

    with pytest.raises(EmptySplit, match="'ood_depth' seems empty at level 1"):
        OneSkill().task("ood_depth", 1, 0)


def test_right_wrong_unparsed_and_truncated():
    env = Sums()
    task = env.task("train", 1, 0)
    right = env.score(task, f"so <answer>{task.answer}</answer>")
    assert (right.correct, right.reward, right.status) == (True, 1.0, "ok")
    assert right.parsed == task.answer
    wrong = env.score(task, "<answer>x</answer>")
    assert (wrong.correct, wrong.reward, wrong.status) == (False, 0.0, "ok")
    unparsed = env.score(task, str(task.answer))
    assert (unparsed.correct, unparsed.status, unparsed.parsed) == (False, "unparsed", None)
    cut = env.score(task, env.solution(task), truncated=True)
    assert (cut.correct, cut.status, cut.parsed) == (False, "truncated", None)


def test_demonstrations_score_correct():
    env = Sums()
    for task in (env.task("test", 2, n) for n in range(5)):
        assert env.score(task, env.solution(task)).correct
        assert env.score(task, env.answer_only(task)).correct


def test_reward_presets_and_weights():
    task = Sums().task("train", 1, 0)
    assert Sums(reward="paper").score(task, "junk").reward == -1
    assert Sums(reward="paper").score(task, "<answer>x</answer>").reward == 0
    shaped = Sums(reward={"answer": 1.0, "format": 0.25})
    assert shaped.score(task, "<answer>x</answer>").reward == 0.25
    assert shaped.score(task, shaped.solution(task)).reward == 1.25


def test_rewards_can_be_spelled_out_where_an_environment_is_named():
    env = load("string_transform?reward=answer:1, format:0.5,malformed:-2")
    assert env.weights == {"answer": 1, "format": 0.5, "malformed": -2}
    task = env.task("train", 1, 0)
    assert env.score(task, env.answer_only(task)).reward == 1.5
    assert env.score(task, "junk").reward == -2


def test_an_environment_has_parts_of_its_own():
    class Judged(Sums):
        reward_components = ("short", "even")

        def component_scores(self, task: Task, answer: str) -> dict[str, float]:
            return {"short": float(len(answer) < 3)}

    env = Judged(reward={"answer": 1, "short": 0.5, "even": 7})
    task = env.task("train", 1, 0)
    score = env.score(task, "<answer>12</answer>")
    assert (score.reward, score.parts["short"], score.correct) == (0.5, 1, False)
    assert env.score(task, "none").reward == 0  # what no answer was found for has no parts


def test_format_pays_only_for_the_whole_form():
    env = Sums(reward="format:1")
    task = env.task("train", 1, 0)
    assert env.score(task, "sum <answer>1</answer>\n").reward == 1
    assert env.score(task, "<answer>1</answer> and more").reward == 0
    assert env.score(task, "<answer>1</answer>", truncated=True).reward == 0


def test_partial_credit_is_reward_but_not_correct():
    env = Partial()
    task = env.task("train", 1, 0)
    score = env.score(task, f"<answer>{'x' * len(task.answer or '')}</answer>")
    assert (score.correct, score.reward, score.parts["answer"]) == (False, 0.5, 0.5)


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), "text", None, 1 / 3 * 4])
def test_a_grader_that_returns_nonsense_is_an_error(value):
    class Odd(Sums):
        def verify(self, task: Task, answer: str) -> float:
            return value

    env = Odd()
    with pytest.raises(GraderError, match="grader of sums"):
        env.score(env.task("train", 1, 0), "<answer>1</answer>")


def test_a_grader_that_raises_is_an_error_that_shows_task_and_completion():
    class Raising(Sums):
        def verify(self, task: Task, answer: str) -> bool:
            return int(answer) == int(task.answer or "")

    env = Raising()
    task = env.task("train", 1, 0)
    with pytest.raises(GraderError) as caught:
        env.score(task, "<answer>ten</answer>")
    text = str(caught.value)
    assert task.key in text
    assert "<answer>ten</answer>" in text
    assert "ValueError" in text


@given(st.text() | st.text().map(lambda text: f"<answer>{text}</answer>"))
def test_any_text_is_graded(text):
    env = Sums()
    task = env.task("train", 1, 0)
    score = env.score(task, text)
    assert score.status in ("ok", "unparsed")
    assert score.correct == (score.parsed == task.answer)


@settings(max_examples=30, deadline=None)
@given(addresses, st.sampled_from([Sums, Chat]))
def test_tasks_survive_json_and_pickle(address, kind):
    task = kind().task(*address)
    assert Task.from_json(task.to_json()) == task
    assert pickle.loads(pickle.dumps(task)) == task
    json.loads(task.to_json())


json_data = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.text(), "content": st.text()}), min_size=1, max_size=3
).map(tuple)


@given(st.text() | messages, st.none() | st.text(), st.lists(st.text()).map(tuple), json_data)
def test_any_json_task_comes_back_from_json(prompt, answer, skills, data):
    task = Task("env", "train", 1, 0, prompt, answer, skills, 1, data, "key")
    assert Task.from_json(task.to_json()) == task


def test_prompts_are_messages_or_text():
    plain, chat = Sums().task("train", 1, 0), Chat().task("train", 1, 0)
    assert plain.messages == [{"role": "user", "content": plain.prompt}]
    assert [one["role"] for one in chat.messages] == ["system", "user"]
    assert chat.text.startswith("Add.\n\n")


def test_tasks_cannot_be_changed():
    task = Sums().task("train", 1, 0)
    with pytest.raises(FrozenInstanceError):
        task.answer = "0"  # type: ignore[misc]


def test_describe_is_what_show_prints():
    about = Sums(words=True).describe()
    assert about["summary"] == "Add two numbers."
    assert about["levels"] == 2
    assert about["splits"] == ["train", "test"]
    assert about["config"] == {"digits": 2, "words": True}


def test_make_is_the_authors_duty():
    with pytest.raises(NotImplementedError, match="Environment does not define make"):
        Environment().task("train", 1, 0)
