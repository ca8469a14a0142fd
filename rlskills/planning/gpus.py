"""GPUs by their data sheets, and what an hour of one is taken to cost."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnknownName

NODE = 8
"""GPUs in one machine; more than these also exchange over the network."""


@dataclass(frozen=True)
class Gpu:
    """One accelerator; amounts are in bytes and seconds."""

    memory: float
    """GiB that a program sees, which is less than the name says."""
    peak: float
    """Operations per second of dense matrix products in bfloat16, accumulated in float32."""
    bandwidth: float
    """Bytes per second between its memory and its cores."""
    link: float
    """Bytes per second, in one direction, to the others of its machine."""
    network: float
    """Bytes per second, in one direction, to those of other machines."""
    price: float
    """Dollars per hour: an assumption, of the order of what is asked for rented ones."""


GPUS = {
    "H100": Gpu(79.2, 989e12, 3.35e12, 450e9, 50e9, 2.5),
    "H200": Gpu(139.8, 989e12, 4.8e12, 450e9, 50e9, 3.5),
    "B200": Gpu(178.0, 2250e12, 8.0e12, 900e9, 50e9, 5.0),
    "A100": Gpu(79.2, 312e12, 2.039e12, 300e9, 25e9, 1.5),
    "L40S": Gpu(44.4, 362e12, 0.864e12, 32e9, 12.5e9, 1.0),
    "RTX4090": Gpu(23.6, 165e12, 1.008e12, 32e9, 3e9, 0.4),
}
"""From NVIDIA's data sheets: SXM forms of H100, H200, B200 and A100 (80 GB), NVLink as half of its
total for both directions; PCIe 4.0 x16 for the others. Networks and prices are assumptions: 400
Gbit/s for each GPU beside Hopper and Blackwell, 200 beside A100, 100 and 25 beside the others."""


def gpu_named(name: str) -> Gpu:
    """One of `GPUS`, in any case; an `UnknownName` otherwise."""
    found = {known.lower(): gpu for known, gpu in GPUS.items()}
    word = name.lower().replace(" ", "").replace("-", "")
    if word not in found:
        raise UnknownName("GPU", name, GPUS)
    return found[word]
