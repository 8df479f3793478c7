"""Golden values of the distillation losses, written anew with PyTorch after the papers' formulas.

    python generate_distillation.py

Independent of our code and of the released one: plain tensor operations, torch.nn.BatchNorm2d in training mode, gradients
by autograd, everything in f64. PointDistiller (Zhang et al., CVPR 2023) with a 1x1 convolution of (neighbour, centre), norm
and ReLU over [1, 2 C, N, K]; FitNet (Romero et al., ICLR 2015); soft logits (Hinton et al., 2015) as the Kullback-Leibler
divergence of Bernoulli probabilities. Made with torch 2.15.0. Writes distillation.safetensors: inputs, losses, gradients.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)

PILLARS, TEACHER, STUDENT, OUT, SELECTED, NEIGHBOURS = 60, 8, 5, 4, 20, 7


def rounded(*shape):
    """Values that half precision holds exactly, as teachers' features are."""
    return torch.randn(*shape).half().double()


def f32(*shape):
    return torch.randn(*shape).float().double()


def point_distiller(teacher, student, counts, parts, variant, tau):
    order = torch.sort(counts, descending=True, stable=True).indices[:SELECTED].sort().values
    distance = (teacher[order][:, None, :] - teacher[None, :, :]).pow(2).sum(-1)
    near = torch.sort(distance, dim=1, stable=True).indices[:, :NEIGHBOURS]

    def graph(z, conv, norm_weight, norm_bias):
        other = z[near].permute(2, 0, 1)[None]
        centre = z[order].t()[None, :, :, None].expand(-1, -1, -1, NEIGHBOURS)
        edge = {"code": (other, centre), "paper": (centre, other), "difference": (centre - other, centre)}[variant]
        y = F.conv2d(torch.cat(edge, 1), conv[:, :, None, None])
        norm = torch.nn.BatchNorm2d(OUT).train()
        y = F.batch_norm(y, norm.running_mean, norm.running_var, norm_weight, norm_bias, True, 0.1, 1e-5)
        return F.relu(y)

    phi = torch.softmax(counts[order] / tau, 0)
    if variant != "paper":
        phi = phi * SELECTED
    squares = phi[None, None, :, None] * (graph(teacher, *parts["teacher"]) - graph(student, *parts["student"])) ** 2
    return squares.sum() if variant == "paper" else 2 * squares.mean()


out = {}
teacher, student = rounded(PILLARS, TEACHER), f32(PILLARS, STUDENT).requires_grad_()
counts = torch.randint(1, 33, (PILLARS,)).double()
parts = {side: [f32(OUT, 2 * channels) / 3, 1 + f32(OUT) / 4, f32(OUT) / 4]
         for side, channels in [("teacher", TEACHER), ("student", STUDENT)]}
parts = {side: [p.float().double().requires_grad_() for p in own] for side, own in parts.items()}
names = ["weight", "norm.weight", "norm.bias"]
out |= {"pd.teacher": teacher, "pd.student": student.detach(), "pd.counts": counts}
out |= {f"pd.{side}.{name}": p.detach() for side, own in parts.items() for name, p in zip(names, own)}
for variant in ["code", "paper", "difference"]:
    variables = [student, *parts["teacher"], *parts["student"]]
    loss = point_distiller(teacher, student, counts, parts, variant, 3.0)
    gradients = torch.autograd.grad(loss, variables)
    out[f"pd.{variant}.loss"] = loss.detach()[None]
    labels = ["student", *[f"{side}.{name}" for side in ["teacher", "student"] for name in names]]
    out |= {f"pd.{variant}.gradient.{label}": g for label, g in zip(labels, gradients)}

dense_teacher, dense_student = f32(2, 6, 4, 5), f32(2, 3, 4, 5).requires_grad_()
weight, bias = f32(6, 3).requires_grad_(), f32(6).requires_grad_()
loss = F.mse_loss(F.conv2d(dense_student, weight[:, :, None, None], bias), dense_teacher)
gradients = torch.autograd.grad(loss, [dense_student, weight, bias])
out |= {"fitnet.teacher": dense_teacher, "fitnet.student": dense_student.detach(), "fitnet.weight": weight.detach(),
        "fitnet.bias": bias.detach(), "fitnet.loss": loss.detach()[None]}
out |= {f"fitnet.gradient.{name}": g for name, g in zip(["student", "weight", "bias"], gradients)}

# Two windows of 3 x 4 cells, two kinds of anchors, two classes; some anchors of each are compared.
TAU, BOX_SCORE = 2.0, 0.4
maps = {"cls": f32(2, 4, 3, 4) * 2, "box": f32(2, 14, 3, 4) / 2, "dir": f32(2, 4, 3, 4)}
student_maps = {name: f32(*m.shape).requires_grad_() for name, m in maps.items()}
chosen = [torch.tensor([0, 3, 7, 8, 20]), torch.tensor([1, 2, 11, 23])]


def rows(m, values):
    """(B, A values, H, W) -> (B, anchors in [y, x, kind] order, values)."""
    b, _, h, w = m.shape
    return m.reshape(b, 2, values, h, w).permute(0, 3, 4, 1, 2).reshape(b, -1, values)


total = losses = 0.0
kl = lambda t, s: (torch.sigmoid(t / TAU) * (F.logsigmoid(t / TAU) - F.logsigmoid(s / TAU))
                   + torch.sigmoid(-t / TAU) * (F.logsigmoid(-t / TAU) - F.logsigmoid(-s / TAU))) * TAU**2
for window, anchors in enumerate(chosen):
    t = {n: rows(maps[n], v)[window, anchors] for n, v in [("cls", 2), ("box", 7), ("dir", 2)]}
    s = {n: rows(student_maps[n], v)[window, anchors] for n, v in [("cls", 2), ("box", 7), ("dir", 2)]}
    confidence = torch.sigmoid(t["cls"]).max(1).values
    total = total + confidence[confidence >= 0.1].sum()
    sure = (confidence >= BOX_SCORE) * confidence
    error = s["box"] - t["box"]
    error = torch.cat([error[:, :6], torch.sin(error[:, 6:])], 1)
    codes = F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=1 / 9).sum(1)
    turn = lambda d: d[:, 0] - d[:, 1]
    losses = losses + kl(t["cls"], s["cls"]).sum() + 2 * (sure * codes).sum()
    losses = losses + 0.2 * (sure * kl(turn(t["dir"]), turn(s["dir"]))).sum()
    out |= {f"response.{window}.{n}": v for n, v in t.items()}
    out[f"response.{window}.anchors"] = anchors.double()
loss = losses / total
gradients = torch.autograd.grad(loss, list(student_maps.values()))
out["response.loss"] = loss.detach()[None]
for (name, m), gradient in zip(student_maps.items(), gradients):
    out |= {f"response.student.{name}": m.detach(), f"response.gradient.{name}": gradient}

save_file({name: t.detach().float().contiguous() for name, t in out.items()}, Path(__file__).with_name("distillation.safetensors"))
