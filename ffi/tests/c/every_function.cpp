// Every function of knhk_pool.h from C++, in RAII: what is not given back by hand is by a destructor.

#include "knhk_pool.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

static void ok(knhk_status status) {
    if (status != KNHK_STATUS_OK) {
        throw std::runtime_error(knhk_status_text(status));
    }
}

static void check(bool claim, const char *what) {
    if (!claim) {
        throw std::runtime_error(std::string("not so: ") + what);
    }
}

class Buffer {
public:
    explicit Buffer(knhk_here here) { ok(knhk_pool_acquire_here(here, &raw_)); }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    Buffer(Buffer &&other) noexcept : raw_(std::exchange(other.raw_, knhk_buffer{})) {}
    ~Buffer() {
        if (raw_.data != nullptr) {
            knhk_pool_release(&raw_);
        }
    }
    void append(const std::string &text) {
        ok(knhk_pool_reserve(&raw_, raw_.len + text.size()));
        std::memcpy(raw_.data + raw_.len, text.data(), text.size());
        raw_.len += text.size();
    }
    std::string text() const { return std::string(raw_.data, raw_.data + raw_.len); }

private:
    knhk_buffer raw_{};
};

class Arena {
public:
    Arena() { ok(knhk_arena_create("cpp", nullptr, &raw_)); }
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;
    ~Arena() { knhk_arena_destroy(raw_); }
    template <class T> T *make(T value) {
        void *place = nullptr;
        ok(knhk_arena_alloc(raw_, sizeof(T), alignof(T), &place));
        return new (place) T(value);
    }
    template <class Work> void scoped(Work work) {
        knhk_mark mark = 0;
        ok(knhk_arena_mark(raw_, &mark));
        work();
        ok(knhk_arena_rewind(raw_, mark));
    }
    void reset() { ok(knhk_arena_reset(raw_)); }
    knhk_arena_stats stats() const {
        knhk_arena_stats stats{};
        ok(knhk_stats_arena(raw_, &stats));
        return stats;
    }

private:
    knhk_arena raw_ = 0;
};

static void pools() {
    knhk_pool pool = 0;
    knhk_here here = 0;
    knhk_pool_config config{};
    config.pool_size = 2;
    config.buffer_size = 64;
    ok(knhk_pool_open("cpp", &config, &pool));
    ok(knhk_pool_warm_up(pool));
    ok(knhk_pool_here(pool, &here));
    {
        std::vector<Buffer> buffers;
        for (int i = 0; i < 20; i++) {
            buffers.emplace_back(here);
            buffers.back().append(std::to_string(i));
            buffers.back().append(std::string(100, 'x'));
        }
        check(buffers[13].text() == "13" + std::string(100, 'x'), "the bytes are kept");
    }
    knhk_buffer by_pool{}, refused{};
    ok(knhk_pool_acquire(pool, &by_pool));
    knhk_buffer second{};
    ok(knhk_pool_try_acquire(pool, &second));
    check(knhk_pool_try_acquire_here(here, &refused) == KNHK_STATUS_EXHAUSTED, "there are two");
    ok(knhk_pool_release(&second));
    ok(knhk_pool_release(&by_pool));
    check(knhk_pool_release(&by_pool) == KNHK_STATUS_STALE, "a second release is answered");
    knhk_pool_stats stats{};
    ok(knhk_stats_pool(pool, &stats));
    check(stats.in_use == 0 && stats.grown == 20, "all have grown and are back");
    ok(knhk_pool_trim(pool, nullptr));
}

static void arenas() {
    Arena arena;
    auto *columns = arena.make(knhk_soa_triples{});
    const std::array<std::uint64_t, 6> triples{1, 7, 2, 3, 7, 4};
    knhk_predicate_run runs[8];
    std::size_t count = 0;
    ok(knhk_triples_load(triples.data(), 2, columns, &runs, &count));
    check(count == 1 && runs[0].len == 2 && columns->o[1] == 4, "one run of two");
    const auto used = arena.stats().in_use;
    arena.scoped([&] { check(*arena.make(1.5) == 1.5, "a scoped value"); });
    check(arena.stats().in_use == used, "the scope is given back");
    arena.reset();
    check(arena.stats().in_use == 0, "all is given back");
}

static void rings() {
    knhk_ring_half producer = 0, consumer = 0;
    ok(knhk_ring_create(sizeof(knhk_receipt), 4, &producer, &consumer));
    knhk_merged_receipt sum{};
    std::thread popping([consumer, &sum] {
        knhk_receipt receipt{};
        knhk_ring_stats ring{};
        do {
            ok(knhk_stats_ring(consumer, &ring));
            while (knhk_ring_pop(consumer, &receipt, 1, nullptr) == KNHK_STATUS_OK) {
                ok(knhk_receipt_merge(&sum, &receipt));
            }
            std::this_thread::yield();
        } while (ring.is_abandoned == 0);
        ok(knhk_ring_close(consumer));
    });
    for (std::uint64_t run = 0; run < 100; run++) {
        knhk_receipt receipt{};
        receipt.a_hash = knhk_receipt_hash(0, run, 0, 0);
        receipt.lanes = 1;
        while (knhk_ring_push(producer, &receipt, 1, nullptr) == KNHK_STATUS_FULL) {
            std::this_thread::yield();
        }
    }
    ok(knhk_ring_close(producer));
    popping.join();
    check(sum.count == 100 && sum.lanes == 100, "every receipt has come through");
}

static void kernels() {
    const std::vector<float> query(100, 1), rows(300, 2);
    std::vector<float> scores(3);
    ok(knhk_vector_cosine(query.data(), query.size(), rows.data(), rows.size(), scores.data(),
                          scores.size()));
    check(scores[2] > 0.99999F, "parallel vectors have a cosine of one");
    float product = 0, distance = 0;
    ok(knhk_vector_dot(query.data(), rows.data(), query.size(), &product));
    ok(knhk_vector_distance(query.data(), rows.data(), query.size(), &distance));
    check(product == 200 && distance == 10, "a hundred products and differences");
    std::array<knhk_scored, 2> best{};
    std::size_t found = 0;
    ok(knhk_vector_top_k(scores.data(), scores.size(), best.data(), best.size(), &found));
    check(found == 2 && best[0].index == 0, "of equal scores the first is the best");

    std::vector<float> strengths(10, 1);
    const std::vector<std::uint64_t> ages(10, 3600);
    ok(knhk_decay_half_life(strengths.data(), ages.data(), ages.size(), 3600));
    check(strengths[9] == 0.5F, "half is left");
    ok(knhk_decay_time_constant(strengths.data(), ages.data(), ages.size(), 3600));
    check(strengths[9] < 0.19F, "and 37 % of it");

    const std::array<std::uint32_t, 3> offsets{0, 1, 2};
    const std::array<std::uint32_t, 2> targets{1, 0};
    const std::array<float, 2> weights{1, 1};
    std::array<float, 2> activation{1, 0};
    const knhk_graph cycle{offsets.data(), targets.data(), weights.data(), 2, 2};
    const knhk_spread spread{0.5F, 0.2F, 100};
    knhk_reach reach{};
    ok(knhk_graph_spread(&cycle, activation.data(), activation.size(), &spread, &reach));
    check(activation[0] == 1.25F && reach.hops == 3, "a cycle dies out below the threshold");
}

int main() {
    check(knhk_abi_version() == KNHK_ABI_VERSION, "header and library are of one version");
    check(knhk_config_error() == nullptr, "nothing was wrong yet");
    pools();
    arenas();
    rings();
    kernels();
    std::puts("C++: every function did what it says");
    return 0;
}
