// Overlap of turned rectangles on the ground: the formulas of percept_types::BevRectangle, in their order, in f64.
// Source  Sutherland and Hodgman, CACM 1974.
#pragma once
#include "cuda/device.cuh"

struct Rectangle {
    double x, y, length, width, sin, cos;
};

struct Polygon {
    double x[8], y[8];
    u32 len;

    __device__ __forceinline__ void push(double px, double py) {
        // Rounding on near-parallel edges may ask for a ninth corner: it lies on an edge and adds no area.
        if (len < 8) {
            x[len] = px;
            y[len] = py;
            ++len;
        }
    }
};

/// Corner `corner` counter-clockwise from front-left, of a rectangle moved to (x, y).
__device__ __forceinline__ void corner_of(const Rectangle &r, double x, double y, u32 corner, double &cx, double &cy) {
    const double along = corner == 0 || corner == 3 ? r.length / 2.0 : -(r.length / 2.0);
    const double across = corner < 2 ? r.width / 2.0 : -(r.width / 2.0);
    cx = x + along * r.cos - across * r.sin;
    cy = y + along * r.sin + across * r.cos;
}

__device__ __forceinline__ double intersection_area(const Rectangle &a, const Rectangle &b) {
    const double reach = hypot(a.length, a.width) + hypot(b.length, b.width);
    const double dx = b.x - a.x, dy = b.y - a.y;
    if (hypot(dx, dy) * 2.0 >= reach || reach != reach) return 0.0;
    Polygon polygon;
    polygon.len = 4;
    for (u32 i = 0; i < 4; ++i) corner_of(a, 0.0, 0.0, i, polygon.x[i], polygon.y[i]);
    for (u32 edge = 0; edge < 4; ++edge) {
        double ax, ay, bx, by;
        corner_of(b, dx, dy, edge, ax, ay);
        corner_of(b, dx, dy, (edge + 1) % 4, bx, by);
        Polygon kept;
        kept.len = 0;
        for (u32 i = 0; i < polygon.len; ++i) {
            const u32 next = (i + 1) % polygon.len;
            const double px = polygon.x[i], py = polygon.y[i], qx = polygon.x[next], qy = polygon.y[next];
            const double side_p = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
            const double side_q = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax);
            if (side_p >= 0.0) kept.push(px, py);
            if ((side_p > 0.0 && side_q < 0.0) || (side_p < 0.0 && side_q > 0.0)) {
                const double t = side_p / (side_p - side_q);
                kept.push(px + t * (qx - px), py + t * (qy - py));
            }
        }
        polygon = kept;
    }
    double sum = 0.0;
    for (u32 i = 0; i < polygon.len; ++i) {
        const u32 next = (i + 1) % polygon.len;
        sum += polygon.x[i] * polygon.y[next] - polygon.y[i] * polygon.x[next];
    }
    return sum / 2.0 > 0.0 ? sum / 2.0 : 0.0;
}

__device__ __forceinline__ double rotated_iou(const Rectangle &a, const Rectangle &b) {
    const double shared = intersection_area(a, b);
    const double joint = a.length * a.width + b.length * b.width - shared;
    return joint > 0.0 ? shared / joint : 0.0;
}
