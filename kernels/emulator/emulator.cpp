// The scheduler behind emulator.h, and the functions by which a test loads, launches and allocates.
#include "emulator.h"

// A switch of stacks of our own: ucontext's asks the kernel each time, and is several times as slow.
#if defined(__x86_64__) && !defined(EMULATOR_UCONTEXT)
#define EMULATOR_SWITCH
#endif

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>
#ifndef EMULATOR_SWITCH
#include <ucontext.h>
#endif

namespace emulator {

constexpr size_t STACK_BYTES = 64 * 1024;

#ifdef EMULATOR_SWITCH
// Saves the registers that a call must keep, and goes on with another stack.
extern "C" void emulator_switch(void **save, void *load);
asm(R"(
.text
.globl emulator_switch
.hidden emulator_switch
.type emulator_switch,@function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulator_switch,.-emulator_switch
)");
#endif


/// One warp's exchange: lanes write to one half while the other may still be read.
struct Exchange {
    uint32_t words[2][WARP * WORDS];
    unsigned arrived = 0;
    uint64_t round = 0;
};

struct Fiber {
    Index thread;
    bool is_done = false;
    std::unique_ptr<uint8_t[]> stack{new uint8_t[STACK_BYTES]};
    std::vector<std::vector<std::pair<void *, std::vector<uint8_t>>>> copies;
#ifdef EMULATOR_SWITCH
    void *stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
};

struct Scheduler {
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Exchange> warps;
    std::function<void()> work;
    unsigned size = 0, arrived = 0;
    uint64_t round = 0, progress = 0;
#ifdef EMULATOR_SWITCH
    void *stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
    Now now;
};

static Scheduler &scheduler() {
    static thread_local Scheduler instance;
    return instance;
}

Now &now() { return scheduler().now; }

static void to_scheduler() {
    Scheduler &s = scheduler();
#ifdef EMULATOR_SWITCH
    emulator_switch(&s.now.fiber->stack_pointer, s.stack_pointer);
#else
    swapcontext(&s.now.fiber->context, &s.context);
#endif
}

static void to_fiber(Fiber &fiber) {
    Scheduler &s = scheduler();
    s.now.fiber = &fiber;
    s.now.thread = fiber.thread;
#ifdef EMULATOR_SWITCH
    emulator_switch(&s.stack_pointer, fiber.stack_pointer);
#else
    swapcontext(&s.context, &fiber.context);
#endif
}

static void fiber_main() {
    Scheduler &s = scheduler();
    s.work();
    s.now.fiber->is_done = true;
    ++s.progress;
    to_scheduler();
    __builtin_unreachable();
}

static void begin(Fiber &fiber) {
    fiber.is_done = false;
    fiber.copies.assign(1, {});
#ifdef EMULATOR_SWITCH
    auto top = reinterpret_cast<uintptr_t>(fiber.stack.get() + STACK_BYTES) & ~uintptr_t{15};
    auto *slots = reinterpret_cast<void **>(top);
    *--slots = nullptr;  // keeps the stack aligned as after a call
    *--slots = reinterpret_cast<void *>(&fiber_main);
    for (int saved = 0; saved < 6; ++saved) *--slots = nullptr;
    fiber.stack_pointer = slots;
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK_BYTES;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
#endif
}

void barrier() {
    Scheduler &s = scheduler();
    const uint64_t mine = s.round;
    ++s.progress;
    if (++s.arrived == s.size) {
        s.arrived = 0;
        ++s.round;
        return;
    }
    while (s.round == mine) to_scheduler();
}

const uint32_t *exchange(unsigned mask, const uint32_t *words, unsigned count) {
    Scheduler &s = scheduler();
    const unsigned thread = s.now.thread.x, lane = thread % WARP;
    Exchange &warp = s.warps[thread / WARP];
    const uint64_t mine = warp.round;
    uint32_t *half = warp.words[mine & 1];
    if (count) memcpy(half + lane * WORDS, words, count * sizeof(uint32_t));
    warp.arrived |= 1u << lane;
    ++s.progress;
    if ((warp.arrived & mask) == mask) {
        warp.arrived = 0;
        ++warp.round;
    } else {
        while (warp.round == mine) to_scheduler();
    }
    return half;
}

void begin_copy(void *target, const void *source) {
    std::vector<uint8_t> bytes(16, 0);
    if (source) memcpy(bytes.data(), source, 16);
    now().fiber->copies.back().emplace_back(target, std::move(bytes));
}

void commit_copies() { now().fiber->copies.emplace_back(); }

void wait_copies(unsigned pending) {
    // The last group is the one being filled.
    auto &groups = now().fiber->copies;
    while (groups.size() > pending + 1) {
        for (auto &[target, bytes] : groups.front()) memcpy(target, bytes.data(), bytes.size());
        groups.erase(groups.begin());
    }
}

static std::map<std::string, Thunk> &kernels() {
    static std::map<std::string, Thunk> instance;
    return instance;
}

bool add_kernel(const char *name, Thunk thunk) { return kernels().emplace(name, std::move(thunk)).second; }

/// Runs one block; false where some of its threads wait for what never comes.
static bool run_block(unsigned size, bool is_backwards) {
    Scheduler &s = scheduler();
    while (s.fibers.size() < size) s.fibers.push_back(std::make_unique<Fiber>());
    s.warps.assign((size + WARP - 1) / WARP, Exchange{});
    s.size = size;
    s.arrived = 0;
    s.round = 0;
    for (unsigned i = 0; i < size; ++i) {
        s.fibers[i]->thread = Index{i, 0, 0};
        begin(*s.fibers[i]);
    }
    for (unsigned left = size; left > 0;) {
        const uint64_t before = s.progress;
        left = 0;
        for (unsigned i = 0; i < size; ++i) {
            Fiber &fiber = *s.fibers[is_backwards ? size - 1 - i : i];
            if (fiber.is_done) continue;
            to_fiber(fiber);
            left += !fiber.is_done;
        }
        if (left > 0 && s.progress == before) return false;
    }
    return true;
}

}  // namespace emulator

extern "C" {

/// Runs a kernel: 0 done, 1 there is no kernel of this name, 2 a barrier that not all threads reach.
/// `order` & 1 runs the threads of a block last to first, `order` & 2 the blocks.
int emulator_launch(const char *name, const unsigned *grid, unsigned block_size, void **arguments, unsigned order) {
    const auto found = emulator::kernels().find(name);
    if (found == emulator::kernels().end()) return 1;
    emulator::Scheduler &s = emulator::scheduler();
    s.work = found->second(arguments);
    s.now.block_size = emulator::Index{block_size, 1, 1};
    s.now.grid_size = emulator::Index{grid[0], grid[1], grid[2]};
    const uint64_t count = uint64_t{grid[0]} * grid[1] * grid[2];
    for (uint64_t step = 0; step < count; ++step) {
        const uint64_t i = order & 2 ? count - 1 - step : step;
        s.now.block = emulator::Index{static_cast<unsigned>(i % grid[0]), static_cast<unsigned>(i / grid[0] % grid[1]),
                                      static_cast<unsigned>(i / grid[0] / grid[1])};
        if (!emulator::run_block(block_size, order & 1)) return 2;
    }
    return 0;
}

/// Zeroed memory that ends at a page which nobody may touch, so that a read or write beyond it stops the test.
void *emulator_allocate(size_t bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), used = (bytes + 15) & ~size_t{15};
    const size_t whole = (used + page - 1) / page * page + page;
    void *base = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return nullptr;
    mprotect(static_cast<uint8_t *>(base) + whole - page, page, PROT_NONE);
    return static_cast<uint8_t *>(base) + whole - page - used;
}

void emulator_free(void *memory, size_t bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), used = (bytes + 15) & ~size_t{15};
    const size_t whole = (used + page - 1) / page * page + page;
    munmap(static_cast<uint8_t *>(memory) + used + page - whole, whole);
}
}
