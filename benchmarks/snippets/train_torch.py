"""Train a peer's network on PTB-XL's superclasses within a budget of processor time.

train_torch.py tsai|torch-ecg FOLDER MINUTES

Runs in the peer's environment; FOLDER and the answer are those of `train_ours.py`. Each is trained
by its publishers' recipe, as far as it fits into a plain loop:

tsai: xresnet1d101 as Strodthoff et al. (IEEE JBHI 25:1519, 2021) train it: random stretches of
2.5 s, batches of 128, one cycle up to 1e-2, weight decay 1e-2, cross-entropy; a recording's scores
are the largest of stretches that overlap by half.

torch-ecg: ECG_CRNN as its benchmark for CinC 2021 configures it: the bottle-neck residual network
with squeeze-and-excitation, filters adjusted to the sampling rate, batches of 64, AdamW (amsgrad),
one cycle up to 2e-3, asymmetric loss, mixup; recordings normalized one by one.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")

import torch  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

RATE = 100
PILOT, LONGEST = 16, 30.0  # steps that are timed before; s, if those take longer
CHECKS, SHARE = 12, 0.1  # how often validation is scored; of the budget, if that takes more


def import_torchvision():
    """Import what fastai imports, also where its compiled operators fit another build of torch.

    None of them is used here; those that the import asks for are declared. Returns what must live
    as long as it.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None


class Tsai:
    """xresnet1d101 of tsai."""

    batch, max_lr, window = 128, 1e-2, 250

    def __init__(self, signals, training):
        self.library = import_torchvision()
        from tsai.models.XResNet1d import xresnet1d101

        self.model = xresnet1d101(12, 5)
        some = signals[training[::10]].astype(np.float32)
        self.mean, self.std = some.mean(), some.std()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=1e-2)
        self.rng = np.random.default_rng(0)

    def normalized(self, rows):
        """Return a batch as the network takes it."""
        return torch.from_numpy((rows.astype(np.float32) - self.mean) / self.std)

    def loss(self, rows, targets):
        """Return the loss of a batch."""
        starts = self.rng.integers(rows.shape[2] - self.window + 1, size=len(rows))
        cropped = [row[:, at : at + self.window] for row, at in zip(rows, starts, strict=True)]
        outputs = self.model(self.normalized(np.stack(cropped)))
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, targets)

    def scores(self, rows):
        """Return scores of whole recordings."""
        starts = range(0, rows.shape[2] - self.window + 1, self.window // 2)
        outputs = [self.model(self.normalized(rows[:, :, at : at + self.window])) for at in starts]
        return torch.stack(outputs).amax(0)


class TorchEcg:
    """ECG_CRNN of torch-ecg."""

    batch, max_lr = 64, 2e-3

    def __init__(self, signals, training):
        from torch_ecg.augmenters.mixup import Mixup
        from torch_ecg.model_configs import ECG_CRNN_CONFIG
        from torch_ecg.models import ECG_CRNN
        from torch_ecg.models.loss import AsymmetricLoss
        from torch_ecg.utils.utils_nn import adjust_cnn_filter_lengths

        config = adjust_cnn_filter_lengths(ECG_CRNN_CONFIG, RATE)
        config.cnn.name = "resnet_nature_comm_bottle_neck_se"
        config.rnn.name = config.attn.name = "none"
        self.model = ECG_CRNN(["NORM", "MI", "STTC", "CD", "HYP"], 12, config)
        self.mixup = Mixup(alpha=0.3, prob=0.6)
        self.asymmetric = AsymmetricLoss(gamma_pos=0, gamma_neg=0.2, implementation="deep-psp")
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-4, weight_decay=1e-2, amsgrad=True
        )

    def normalized(self, rows):
        """Return a batch as the network takes it."""
        rows = rows.astype(np.float32)
        mean = rows.mean(axis=(1, 2), keepdims=True)
        return torch.from_numpy((rows - mean) / (rows.std(axis=(1, 2), keepdims=True) + 1e-6))

    def loss(self, rows, targets):
        """Return the loss of a batch."""
        inputs, targets = self.mixup(self.normalized(rows), targets)
        return self.asymmetric(self.model(inputs), targets)

    def scores(self, rows):
        """Return scores of whole recordings."""
        return self.model(self.normalized(rows))


NETWORKS = {"tsai": Tsai, "torch-ecg": TorchEcg}


class Training:
    """A network, the recordings, and the processor time that they have."""

    def __init__(self, name, folder, minutes):
        self.begun = time.process_time()
        self.signals = np.load(folder / "signals.npy")
        self.targets = np.load(folder / "targets.npy").astype(np.float32)
        parts = np.load(folder / "parts.npy")
        self.parts = [np.flatnonzero(parts == place) for place in range(3)]
        torch.manual_seed(0)
        self.network = NETWORKS[name](self.signals, self.parts[0])
        self.budget, self.order = 60 * minutes, np.random.default_rng(0)
        self.epochs, self.queue = 0.0, np.empty(0, int)

    def used(self):
        """Return the processor seconds since the beginning."""
        return time.process_time() - self.begun

    def step(self):
        """Train on the next batch."""
        size = self.network.batch
        if len(self.queue) < size:
            self.queue = self.order.permutation(self.parts[0])
        rows, self.queue = self.queue[:size], self.queue[size:]
        self.network.model.train()
        self.network.optimizer.zero_grad()
        self.network.loss(self.signals[rows], torch.from_numpy(self.targets[rows])).backward()
        self.network.optimizer.step()

    def areas(self, part):
        """Return the AUROC of each class on a part."""
        self.network.model.eval()
        with torch.no_grad():
            found = [
                self.network.scores(self.signals[part[at : at + 64]]).numpy()
                for at in range(0, len(part), 64)
            ]
        scores, truth = np.concatenate(found), self.targets[part]
        return [roc_auc_score(truth[:, k], scores[:, k]) for k in range(truth.shape[1])]

    def plan(self):
        """Return how many steps and validations the budget allows, by some steps, undone again."""
        model, optimizer = self.network.model, self.network.optimizer
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        fresh = optimizer.state_dict()
        self.step()
        begun, done = time.process_time(), 0
        while done < PILOT and (not done or time.process_time() < begun + LONGEST):
            self.step()
            done += 1
        one = (time.process_time() - begun) / done
        begun = time.process_time()
        self.areas(self.parts[1][::10])
        check = 10 * (time.process_time() - begun)
        model.load_state_dict(weights)
        optimizer.load_state_dict(fresh)
        optimizer.state.clear()
        checks = min(CHECKS, max(1, int(SHARE * self.budget / check)))
        return max(1, int((self.budget - self.used() - checks * check) / one)), checks


def main(name, folder, minutes):
    """Train and print."""
    training = Training(name, Path(folder), minutes)
    steps, checks = training.plan()
    network = training.network
    schedule = torch.optim.lr_scheduler.OneCycleLR(network.optimizer, network.max_lr, steps)
    curve, best, kept = [], -1.0, None
    every = max(1, -(-steps // checks))
    for step in range(1, steps + 1):
        training.step()
        schedule.step()
        late = training.used() > training.budget
        if step % every == 0 or step == steps or late:
            score = float(np.mean(training.areas(training.parts[1])))
            curve.append([training.used(), score])
            if score > best:
                state = network.model.state_dict()
                best, kept = score, {key: value.clone() for key, value in state.items()}
        if late:
            break
    used = training.used()
    network.model.load_state_dict(kept)
    answer = {
        "curve": curve,
        "test": training.areas(training.parts[2]),
        "parameters": sum(value.numel() for value in network.model.parameters()),
        "epochs": round(step * network.batch / len(training.parts[0]), 2),
        "seconds": used,
        "prepared": 0.0,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
