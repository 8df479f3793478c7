"""PointPillars' network (full width, KITTI grid) in PyTorch: eager f32, then fp16 channels-last with cudnn.benchmark, then
the same as one CUDA graph. Random weights: times depend on shapes alone. Prints median, p99 and maximum in ms."""

import torch
from torch import nn

CANVAS, FILTERS, DEPTHS, NECK = (496, 432), (64, 128, 256), (3, 5, 5), 128
RUNS, WARM_UP = 300, 30


def block(channels, out, stride):
    return [nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out, eps=1e-3), nn.ReLU(inplace=True)]


class Network(nn.Module):
    """Backbone, neck and head; batch norm is folded by PyTorch where it can."""

    def __init__(self):
        super().__init__()
        channels, stages, ups = 64, [], []
        for index, (out, depth) in enumerate(zip(FILTERS, DEPTHS)):
            layers = block(channels, out, 2) + [layer for _ in range(depth) for layer in block(out, out, 1)]
            stages.append(nn.Sequential(*layers))
            scale = 1 << index
            up = nn.ConvTranspose2d(out, NECK, scale, scale, bias=False)
            ups.append(nn.Sequential(up, nn.BatchNorm2d(NECK, eps=1e-3), nn.ReLU(inplace=True)))
            channels = out
        self.stages, self.ups = nn.ModuleList(stages), nn.ModuleList(ups)
        self.heads = nn.ModuleList(nn.Conv2d(3 * NECK, out, 1) for out in (18, 42, 12))

    def forward(self, x):
        features = []
        for stage, up in zip(self.stages, self.ups):
            x = stage(x)
            features.append(up(x))
        neck = torch.cat(features, 1)
        return [head(neck) for head in self.heads]


def measure(name, run):
    for _ in range(WARM_UP):
        run()
    torch.cuda.synchronize()
    times = []
    for _ in range(RUNS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    times.sort()
    print(f"torch {name}: median {times[RUNS // 2]:.3f}, p99 {times[RUNS * 99 // 100]:.3f}, max {times[-1]:.3f} ms")


@torch.inference_mode()
def main():
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}")
    network = Network().eval().cuda()
    x = torch.randn(1, 64, *CANVAS, device="cuda")
    measure("eager f32", lambda: network(x))
    torch.backends.cudnn.benchmark = True
    network = network.half().to(memory_format=torch.channels_last)
    x = x.half().to(memory_format=torch.channels_last)
    measure("fp16 channels-last, cudnn.benchmark", lambda: network(x))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(x)
    measure("the same as a CUDA graph", graph.replay)


if __name__ == "__main__":
    main()
