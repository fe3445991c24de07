"""ResNet-56 on CIFAR-10: the network of resnet20.py with nine blocks in each stage, where that has three."""

import resnet20

TITLE = "ResNet-56"
KIND = "CNN"
UNIT = "images"
PLACE = 4
PARAMETERS = 860026
NEEDS = ["Conv2D"]
DATASET = "cifar10"
BATCH = 64
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 64, "validation": 64, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 256, "validation": 64, "timeout_s": 900},
    "article": {"epochs": 20, "train": 50000, "validation": 10000, "timeout_s": 86400},
    "gpu": {"epochs": 3, "train": 49984, "validation": 9984, "timeout_s": 600},
}


def data(train=256, validation=64):
    return resnet20.data(train, validation)


def build():
    return resnet20.network(9)
