"""Options that say how images and environments are made."""

from __future__ import annotations

import click

from orchestrator.cli.options import values
from orchestrator.cli.options.command import IMAGES, option, options

NO_BUILD = option(
    IMAGES, "--no-build", is_flag=True, help="Never make images or environments; jobs that lack theirs fail."
)
BUILD = options(
    option(
        IMAGES,
        "--base",
        "base_mode",
        type=click.Choice(["auto", "pull", "bootstrap"]),
        metavar="WAY",
        default="auto",
        show_default=True,
        help="Base image: pull it, or bootstrap it from Debian packages; auto pulls where a registry answers.",
    ),
    option(
        IMAGES,
        "--base-image",
        metavar="IMAGE",
        callback=values.image_reference,
        help="Another base image.  [default: the pinned one]",
    ),
    option(
        IMAGES,
        "--ca-bundle",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="CA certificates for package indexes, for hosts behind a proxy.  [default: $PIP_CERT or its like]",
    ),
    option(
        IMAGES,
        "--pip-index-url",
        metavar="URL",
        help="Package index for images and environments.  [default: $PIP_INDEX_URL]",
    ),
    option(IMAGES, "--debian-mirror", metavar="URL", help="Debian mirror.  [default: the base image's]"),
    option(IMAGES, "--no-cache", is_flag=True, help="Make every layer of the images anew."),
    option(
        IMAGES,
        "--without-cuda",
        is_flag=True,
        help="GPU images without CUDA 8: only for backends whose wheels contain CUDA (CNTK).",
    ),
    option(
        IMAGES,
        "--cuda-dir",
        type=click.Path(exists=True, file_okay=False),
        metavar="FOLDER",
        help="Folder with the files of CUDA 8, such as an unpacked toolkit.  [default: those of docker/cuda.yaml]",
    ),
    option(
        IMAGES,
        "--cuda-base",
        metavar="IMAGE",
        callback=values.image_reference,
        help="Image to take the files of CUDA 8 from.  [default: none]",
    ),
    option(
        IMAGES,
        "--cuda-route",
        "cuda_routes",
        multiple=True,
        metavar="NAME",
        help="Only this source of CUDA 8, by its name in docker/cuda.yaml.  [default: each in turn]",
    ),
)
