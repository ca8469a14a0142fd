"""Code that runs in processes of its own: untrusted graders and checks that may hang."""
