/* Every function of knhk_pool.h: what it does, and what it answers to misuse. */

#include "knhk_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(claim)                                                          \
    do {                                                                      \
        if (!(claim)) {                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            exit(1);                                                          \
        }                                                                     \
    } while (0)
#define IS(status, call) CHECK((call) == KNHK_STATUS_##status)
#define OK(call) IS(OK, call)

static const knhk_pool_config FOUR_OF_1024 = {.pool_size = 4, .buffer_size = 1024};

static void versions_and_texts(void) {
    CHECK(knhk_abi_version() == KNHK_ABI_VERSION);
    CHECK(strcmp(knhk_status_text(KNHK_STATUS_OK), "ok") == 0);
    CHECK(strlen(knhk_status_text(-1)) > 0 && strlen(knhk_status_text(1000)) > 0);
}

static void a_pool_is_opened_once(void) {
    knhk_pool first = 0, again = 0, other = 0;
    OK(knhk_pool_open("c", &FOUR_OF_1024, &first));
    OK(knhk_pool_open("c", NULL, &again));
    OK(knhk_pool_open("c-other", NULL, &other));
    CHECK(first == again && first != other && first != 0);
    const knhk_pool_config larger = {.pool_size = 5};
    IS(CONFLICT, knhk_pool_open("c", &larger, &again));
    const knhk_pool_config impossible = {.buffer_size = 1};
    CHECK(knhk_config_error() == NULL);
    IS(CONFIG, knhk_pool_open("c-bad", &impossible, &again));
    CHECK(strstr(knhk_config_error(), "buffer_size is 1, expected ") != NULL);
    IS(INVALID, knhk_pool_open("\xff", NULL, &again));
    IS(NULL_POINTER, knhk_pool_open(NULL, NULL, &again));
    IS(NULL_POINTER, knhk_pool_open("c", NULL, NULL));
}

static void buffers_come_and_go(void) {
    knhk_pool pool = 0;
    OK(knhk_pool_open("c", NULL, &pool));
    OK(knhk_pool_warm_up(pool));
    knhk_buffer buffers[5];
    for (int i = 0; i < 4; i++) {
        OK(knhk_pool_try_acquire(pool, &buffers[i]));
        CHECK(buffers[i].capacity == 1024 && buffers[i].len == 0);
        CHECK((uintptr_t)buffers[i].data % 64 == 0);
        memset(buffers[i].data, i, buffers[i].capacity);
    }
    IS(EXHAUSTED, knhk_pool_try_acquire(pool, &buffers[4]));
    OK(knhk_pool_acquire(pool, &buffers[4]));
    memset(buffers[4].data, 4, buffers[4].capacity);
    for (int i = 0; i < 5; i++) {
        CHECK(buffers[i].data[0] == i && buffers[i].data[1023] == i);
        OK(knhk_pool_release(&buffers[i]));
        CHECK(buffers[i].data == NULL);
    }
    knhk_pool_stats stats;
    OK(knhk_stats_pool(pool, &stats));
    CHECK(stats.hits == 4 && stats.misses == 1 && stats.exhausted == 1);
    CHECK(stats.in_use == 0 && stats.high_water == 5 && stats.threads == 1);
    size_t bytes = 0;
    OK(knhk_pool_trim(pool, &bytes));
    CHECK(bytes > 0);
    OK(knhk_pool_trim(pool, NULL));
}

static void a_second_release_is_answered(void) {
    knhk_pool pool = 0;
    OK(knhk_pool_open("c", NULL, &pool));
    knhk_buffer buffer, copy;
    OK(knhk_pool_acquire(pool, &buffer));
    copy = buffer;
    OK(knhk_pool_release(&buffer));
    IS(STALE, knhk_pool_release(&buffer));
    IS(STALE, knhk_pool_release(&copy));
    OK(knhk_pool_acquire(pool, &buffer)); /* the same memory again */
    CHECK(buffer.data == copy.data);
    IS(STALE, knhk_pool_release(&copy));
    OK(knhk_pool_release(&buffer));
    knhk_buffer none = {0};
    IS(STALE, knhk_pool_release(&none));
    none.here = UINT64_MAX;
    none.ticket = UINT64_MAX;
    IS(STALE, knhk_pool_release(&none));
    IS(NULL_POINTER, knhk_pool_release(NULL));
    IS(STALE, knhk_pool_acquire(0, &buffer));
    IS(STALE, knhk_pool_try_acquire(UINT64_MAX, &buffer));
    IS(NULL_POINTER, knhk_pool_acquire(pool, NULL));
    IS(NULL_POINTER, knhk_pool_try_acquire(pool, NULL));
    IS(STALE, knhk_pool_warm_up(0));
    IS(STALE, knhk_pool_trim(pool + 100, NULL));
    IS(STALE, knhk_stats_pool(0, &(knhk_pool_stats){0}));
    IS(NULL_POINTER, knhk_stats_pool(pool, NULL));
}

static void a_buffer_grows(void) {
    knhk_pool pool = 0;
    OK(knhk_pool_open("c", NULL, &pool));
    knhk_buffer buffer;
    OK(knhk_pool_acquire(pool, &buffer));
    memcpy(buffer.data, "kept", 4);
    buffer.len = 4;
    OK(knhk_pool_reserve(&buffer, 100000));
    CHECK(buffer.capacity >= 100000 && memcmp(buffer.data, "kept", 4) == 0);
    memset(buffer.data, 1, buffer.capacity);
    buffer.len = buffer.capacity + 1;
    IS(INVALID, knhk_pool_reserve(&buffer, 1));
    buffer.len = 0;
    IS(OUT_OF_MEMORY, knhk_pool_reserve(&buffer, SIZE_MAX));
    OK(knhk_pool_release(&buffer));
    IS(STALE, knhk_pool_reserve(&buffer, 1));
    IS(NULL_POINTER, knhk_pool_reserve(NULL, 1));
}

static void a_borrowed_handle_is_a_short_way(void) {
    knhk_pool pool = 0;
    knhk_here here = 0;
    OK(knhk_pool_open("c", NULL, &pool));
    OK(knhk_pool_here(pool, &here));
    knhk_buffer buffers[5];
    for (int i = 0; i < 4; i++) {
        OK(knhk_pool_try_acquire_here(here, &buffers[i]));
    }
    IS(EXHAUSTED, knhk_pool_try_acquire_here(here, &buffers[4]));
    OK(knhk_pool_acquire_here(here, &buffers[4]));
    for (int i = 0; i < 5; i++) {
        OK(knhk_pool_release(&buffers[i]));
    }
    IS(STALE, knhk_pool_acquire_here(0, &buffers[0]));
    IS(STALE, knhk_pool_acquire_here(pool, &buffers[0]));
    IS(STALE, knhk_pool_try_acquire_here(UINT64_MAX, &buffers[0]));
    IS(NULL_POINTER, knhk_pool_acquire_here(here, NULL));
    IS(NULL_POINTER, knhk_pool_try_acquire_here(here, NULL));
    IS(NULL_POINTER, knhk_pool_here(pool, NULL));
    IS(STALE, knhk_pool_here(0, &here));
}

static void an_arena_is_given_back(void) {
    knhk_arena arena = 0;
    const knhk_arena_config config = {.size = 65536, .overflow = 1, .zero = 1};
    OK(knhk_arena_create("c", &config, &arena));
    void *outer = NULL, *inner = NULL, *full = NULL;
    OK(knhk_arena_alloc(arena, 1000, 64, &outer));
    CHECK((uintptr_t)outer % 64 == 0);
    memset(outer, 1, 1000);
    knhk_mark mark = 0, later = 0;
    OK(knhk_arena_mark(arena, &mark));
    OK(knhk_arena_mark(arena, &later));
    OK(knhk_arena_alloc(arena, 60000, 8, &inner));
    memset(inner, 2, 60000);
    IS(FULL, knhk_arena_alloc(arena, 60000, 8, &full));
    OK(knhk_arena_rewind(arena, mark));
    IS(STALE, knhk_arena_rewind(arena, mark));
    IS(STALE, knhk_arena_rewind(arena, later));
    OK(knhk_arena_alloc(arena, 60000, 8, &inner));
    CHECK(((char *)outer)[999] == 1);
    knhk_arena_stats stats;
    OK(knhk_stats_arena(arena, &stats));
    CHECK(stats.capacity == 65536 && stats.overflows == 1 && stats.in_use >= 61000);
    OK(knhk_arena_reset(arena));
    OK(knhk_stats_arena(arena, &stats));
    CHECK(stats.in_use == 0);
    IS(INVALID, knhk_arena_alloc(arena, 8, 3, &full));
    IS(NULL_POINTER, knhk_arena_alloc(arena, 8, 8, NULL));
    IS(NULL_POINTER, knhk_arena_mark(arena, NULL));
    IS(NULL_POINTER, knhk_stats_arena(arena, NULL));
    OK(knhk_arena_mark(arena, &mark)); /* still open when the arena goes */
    OK(knhk_arena_destroy(arena));
    IS(STALE, knhk_arena_destroy(arena));
    IS(STALE, knhk_arena_alloc(arena, 8, 8, &full));
    IS(STALE, knhk_arena_mark(arena, &mark));
    IS(STALE, knhk_arena_rewind(arena, mark));
    IS(STALE, knhk_arena_reset(arena));
    IS(STALE, knhk_stats_arena(arena, &stats));
    IS(STALE, knhk_arena_destroy(0));
}

static void an_arena_may_take_from_the_heap(void) {
    knhk_arena arena = 0;
    const knhk_arena_config config = {.size = 65536, .overflow = 2};
    OK(knhk_arena_create(NULL, &config, &arena));
    knhk_mark mark = 0;
    void *bytes = NULL;
    OK(knhk_arena_mark(arena, &mark));
    OK(knhk_arena_alloc(arena, 1000000, 8, &bytes));
    memset(bytes, 1, 1000000);
    OK(knhk_arena_rewind(arena, mark));
    OK(knhk_arena_alloc(arena, 1000000, 8, &bytes)); /* freed with the arena */
    memset(bytes, 1, 1000000);
    OK(knhk_arena_destroy(arena));
    const knhk_arena_config no_policy = {.overflow = 3}, small = {.size = 1};
    IS(INVALID, knhk_arena_create(NULL, &no_policy, &arena));
    IS(CONFIG, knhk_arena_create(NULL, &small, &arena));
    IS(INVALID, knhk_arena_create("\xff", NULL, &arena));
    IS(NULL_POINTER, knhk_arena_create(NULL, NULL, NULL));
}

static void *sum_receipts(void *consumer) {
    knhk_merged_receipt *sum = calloc(1, sizeof *sum);
    CHECK(sum != NULL);
    for (;;) {
        knhk_ring_stats ring;
        knhk_receipt batch[3];
        size_t popped = 0;
        OK(knhk_stats_ring(*(knhk_ring_half *)consumer, &ring));
        knhk_status status = knhk_ring_pop(*(knhk_ring_half *)consumer, batch, 3, &popped);
        for (size_t i = 0; i < popped; i++) {
            OK(knhk_receipt_merge(sum, &batch[i]));
        }
        if (status == KNHK_STATUS_EMPTY && ring.is_abandoned && ring.len == 0) {
            OK(knhk_ring_close(*(knhk_ring_half *)consumer));
            return sum;
        }
        sched_yield();
    }
}

static void receipts_pass_from_thread_to_thread(void) {
    knhk_ring_half producer = 0, consumer = 0;
    OK(knhk_ring_create(sizeof(knhk_receipt), 16, &producer, &consumer));
    pthread_t summing;
    CHECK(pthread_create(&summing, NULL, sum_receipts, &consumer) == 0);
    knhk_merged_receipt sent = {0};
    for (uint64_t run = 0; run < 1000; run++) {
        knhk_receipt receipt = {.cycle_id = 1, .shard_id = run, .lanes = 3};
        receipt.a_hash = knhk_receipt_hash(1, run, 0, 3);
        OK(knhk_receipt_merge(&sent, &receipt));
        knhk_status status;
        while ((status = knhk_ring_push(producer, &receipt, 1, NULL)) == KNHK_STATUS_FULL) {
            sched_yield();
        }
        CHECK(status == KNHK_STATUS_OK);
    }
    OK(knhk_ring_close(producer));
    void *sum = NULL;
    CHECK(pthread_join(summing, &sum) == 0);
    CHECK(memcmp(sum, &sent, sizeof sent) == 0 && sent.count == 1000 && sent.lanes == 3000);
    free(sum);
    IS(STALE, knhk_ring_close(producer));
    IS(STALE, knhk_ring_close(consumer));
    IS(NULL_POINTER, knhk_receipt_merge(NULL, &(knhk_receipt){0}));
    IS(NULL_POINTER, knhk_receipt_merge(&sent, NULL));
}

static void a_ring_refuses_what_it_cannot_do(void) {
    knhk_ring_half producer = 0, consumer = 0;
    uint64_t numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8] = {0};
    size_t moved = 0;
    OK(knhk_ring_create(8, 5, &producer, &consumer));
    IS(EMPTY, knhk_ring_pop(consumer, out, 8, &moved));
    OK(knhk_ring_push(producer, numbers, 8, &moved));
    CHECK(moved == 5);
    IS(FULL, knhk_ring_push(producer, numbers, 1, &moved));
    knhk_ring_stats ring;
    OK(knhk_stats_ring(producer, &ring));
    CHECK(ring.len == 5 && ring.capacity == 5 && ring.record_size == 8 && !ring.is_abandoned);
    OK(knhk_ring_pop(consumer, out, 8, &moved));
    CHECK(moved == 5 && memcmp(out, numbers, 40) == 0);
    IS(STALE, knhk_ring_push(consumer, numbers, 1, NULL)); /* the wrong half */
    IS(STALE, knhk_ring_pop(producer, out, 1, NULL));
    IS(NULL_POINTER, knhk_ring_push(producer, NULL, 1, NULL));
    IS(NULL_POINTER, knhk_ring_pop(consumer, NULL, 1, NULL));
    IS(INVALID, knhk_ring_push(producer, numbers, 0, NULL));
    IS(INVALID, knhk_ring_push(producer, (char *)numbers + 4, 1, NULL));
    IS(INVALID, knhk_ring_pop(consumer, (char *)out + 4, 1, NULL));
    IS(NULL_POINTER, knhk_stats_ring(producer, NULL));
    OK(knhk_ring_close(producer));
    OK(knhk_ring_close(consumer));
    IS(STALE, knhk_stats_ring(consumer, &ring));
    IS(INVALID, knhk_ring_create(12, 5, &producer, &consumer));
    IS(INVALID, knhk_ring_create(8, 0, &producer, &consumer));
    IS(INVALID, knhk_ring_create(8, SIZE_MAX, &producer, &consumer));
    IS(NULL_POINTER, knhk_ring_create(8, 5, NULL, &consumer));
    OK(knhk_ring_create(8, 5, &producer, &consumer)); /* never used */
    OK(knhk_ring_close(consumer));
    OK(knhk_ring_close(producer));
}

static void triples_stand_in_columns(void) {
    const uint64_t triples[][3] = {{1, 7, 10}, {2, 9, 20}, {3, 7, 30}};
    knhk_soa_triples columns;
    knhk_predicate_run runs[8];
    size_t count = 0;
    OK(knhk_triples_load(triples[0], 3, &columns, &runs, &count));
    CHECK(count == 2 && runs[0].predicate == 7 && runs[0].offset == 0 && runs[0].len == 2);
    CHECK(runs[1].predicate == 9 && runs[1].offset == 2 && runs[1].len == 1);
    CHECK(columns.s[0] == 1 && columns.s[1] == 3 && columns.s[2] == 2 && columns.o[1] == 30);
    CHECK(columns.p[2] == 9 && columns.p[3] == 0 && (uintptr_t)&columns % 64 == 0);
    IS(INVALID, knhk_triples_load(triples[0], 9, &columns, &runs, &count));
    IS(INVALID, knhk_triples_load(triples[0], 0, &columns, &runs, &count));
    IS(NULL_POINTER, knhk_triples_load(NULL, 3, &columns, &runs, &count));
    IS(NULL_POINTER, knhk_triples_load(triples[0], 3, NULL, &runs, &count));
    CHECK(knhk_receipt_hash(1, 2, 3, 4) % 2 == 1);
}

static void vectors_are_compared(void) {
    enum { DIMENSION = 70, ROWS = 3 };
    float query[DIMENSION], rows[ROWS * DIMENSION], scores[ROWS] = {7, 7, 7}, number = 0;
    for (int i = 0; i < DIMENSION; i++) {
        query[i] = i % 2 ? 2 : -1;
        rows[i] = 3 * query[i];
        rows[DIMENSION + i] = -query[i];
        rows[2 * DIMENSION + i] = 0;
    }
    OK(knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION, scores, ROWS));
    CHECK(scores[0] > 0.999999f && scores[1] < -0.999999f && scores[2] == 0);
    OK(knhk_vector_dot(query, rows, DIMENSION, &number));
    CHECK(number == 3 * 35 * 5);
    OK(knhk_vector_distance(query, rows + 2 * DIMENSION, DIMENSION, &number));
    CHECK(number * number > 174.99f && number * number < 175.01f);
    knhk_scored best[4];
    size_t found = 0;
    OK(knhk_vector_top_k(scores, ROWS, best, 2, &found));
    CHECK(found == 2 && best[0].index == 0 && best[1].index == 2 && best[1].score == 0);
    memset(best, 0xff, sizeof best);
    OK(knhk_vector_top_k(scores, ROWS, best, 4, &found));
    CHECK(found == 3 && best[2].index == 1);
    CHECK(best[3].index == 0 && best[3].score == 0); /* behind what was found */

    IS(INVALID, knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION - 1, scores, ROWS));
    IS(INVALID, knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION, scores, ROWS - 1));
    IS(INVALID, knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION, rows + 1, ROWS));
    IS(INVALID, knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION, query, ROWS));
    IS(INVALID, knhk_vector_cosine(query, SIZE_MAX / 2, rows, 2, scores, 2));
    IS(INVALID, knhk_vector_dot(query, (float *)((char *)rows + 1), 8, &number));
    IS(INVALID, knhk_vector_top_k(scores, ROWS, (knhk_scored *)(void *)scores, 1, &found));
    IS(NULL_POINTER, knhk_vector_cosine(NULL, DIMENSION, rows, ROWS * DIMENSION, scores, ROWS));
    IS(NULL_POINTER, knhk_vector_cosine(query, DIMENSION, NULL, ROWS * DIMENSION, scores, ROWS));
    IS(NULL_POINTER, knhk_vector_cosine(query, DIMENSION, rows, ROWS * DIMENSION, NULL, ROWS));
    IS(NULL_POINTER, knhk_vector_dot(query, NULL, DIMENSION, &number));
    IS(NULL_POINTER, knhk_vector_dot(query, rows, DIMENSION, NULL));
    IS(NULL_POINTER, knhk_vector_distance(NULL, rows, DIMENSION, &number));
    IS(NULL_POINTER, knhk_vector_distance(query, rows, DIMENSION, NULL));
    IS(NULL_POINTER, knhk_vector_top_k(NULL, ROWS, best, 2, &found));
    IS(NULL_POINTER, knhk_vector_top_k(scores, ROWS, NULL, 2, &found));
    IS(NULL_POINTER, knhk_vector_top_k(scores, ROWS, best, 2, NULL));
    CHECK(scores[0] > 0.999999f && found == 3);
    OK(knhk_vector_dot(NULL, NULL, 0, &number));
    CHECK(number == 0);
    OK(knhk_vector_cosine(NULL, 0, NULL, 0, scores, ROWS));
    CHECK(scores[0] == 0);
}

static void strengths_fade(void) {
    float strengths[3] = {1, 1, 4};
    const uint64_t ages[3] = {0, 60, 120};
    OK(knhk_decay_half_life(strengths, ages, 3, 60));
    CHECK(strengths[0] == 1 && strengths[1] == 0.5f && strengths[2] == 1);
    OK(knhk_decay_time_constant(strengths, ages, 3, 60));
    CHECK(strengths[0] == 1 && strengths[1] > 0.18f && strengths[1] < 0.184f);
    IS(INVALID, knhk_decay_half_life(strengths, ages, 3, -1));
    IS(INVALID, knhk_decay_time_constant(strengths, ages, 3, 0.0 / 0.0));
    uint64_t both[3] = {0};
    IS(INVALID, knhk_decay_half_life((float *)(void *)both, both, 3, 60));
    IS(NULL_POINTER, knhk_decay_half_life(NULL, ages, 3, 60));
    IS(NULL_POINTER, knhk_decay_time_constant(strengths, NULL, 3, 60));
    CHECK(strengths[0] == 1);
    OK(knhk_decay_time_constant(NULL, NULL, 0, 60));
}

static void activation_spreads(void) {
    uint32_t offsets[] = {0, 1, 2, 2}, targets[] = {1, 2};
    float weights[] = {1, 1}, activation[] = {1, 0, 0};
    const knhk_graph graph = {offsets, targets, weights, 3, 2};
    const knhk_spread spread = {.decay = 0.5f, .threshold = 0.1f, .hops_max = 10};
    knhk_reach reach;
    OK(knhk_graph_spread(&graph, activation, 3, &spread, &reach));
    CHECK(activation[0] == 1 && activation[1] == 0.5f && activation[2] == 0.25f);
    CHECK(reach.hops == 3 && reach.edges == 2);
    OK(knhk_graph_spread(&graph, activation, 3, &spread, NULL));
    CHECK(activation[1] == 1);

    knhk_graph bad = graph;
    bad.edges = 1;
    IS(INVALID, knhk_graph_spread(&bad, activation, 3, &spread, &reach));
    bad = graph;
    bad.nodes = 2;
    IS(INVALID, knhk_graph_spread(&bad, activation, 2, &spread, &reach)); /* edge 1 goes to node 2 */
    bad.nodes = SIZE_MAX;
    IS(INVALID, knhk_graph_spread(&bad, activation, 3, &spread, &reach));
    targets[1] = 3;
    IS(INVALID, knhk_graph_spread(&graph, activation, 3, &spread, &reach));
    targets[1] = 2;
    offsets[1] = 3;
    IS(INVALID, knhk_graph_spread(&graph, activation, 3, &spread, &reach));
    offsets[1] = 1;
    knhk_spread wrong = spread;
    wrong.decay = 1.5f;
    IS(INVALID, knhk_graph_spread(&graph, activation, 3, &wrong, &reach));
    wrong = spread;
    wrong.threshold = -1;
    IS(INVALID, knhk_graph_spread(&graph, activation, 3, &wrong, &reach));
    IS(INVALID, knhk_graph_spread(&graph, activation, 2, &spread, &reach));
    IS(INVALID, knhk_graph_spread(&graph, weights, 2, &spread, &reach));
    bad = graph;
    bad.weights = NULL;
    IS(NULL_POINTER, knhk_graph_spread(&bad, activation, 3, &spread, &reach));
    IS(NULL_POINTER, knhk_graph_spread(NULL, activation, 3, &spread, &reach));
    IS(NULL_POINTER, knhk_graph_spread(&graph, NULL, 3, &spread, &reach));
    IS(NULL_POINTER, knhk_graph_spread(&graph, activation, 3, NULL, &reach));
    CHECK(activation[1] == 1 && reach.hops == 3);
}

struct handed {
    knhk_pool pool;
    knhk_here here;
    knhk_arena arena;
    knhk_ring_half producer, consumer;
    knhk_buffer buffer, lost;
};

/* A thread that is handed what belongs to another, and leaves what is its own behind. */
static void *trespass(void *handed) {
    struct handed *theirs = handed;
    void *bytes = NULL;
    uint64_t number = 1;
    knhk_mark mark = 0;
    IS(WRONG_THREAD, knhk_pool_release(&theirs->buffer));
    IS(WRONG_THREAD, knhk_pool_reserve(&theirs->buffer, 1 << 20));
    IS(WRONG_THREAD, knhk_pool_acquire_here(theirs->here, &theirs->lost));
    IS(WRONG_THREAD, knhk_pool_try_acquire_here(theirs->here, &theirs->lost));
    IS(WRONG_THREAD, knhk_arena_alloc(theirs->arena, 8, 8, &bytes));
    IS(WRONG_THREAD, knhk_arena_mark(theirs->arena, &mark));
    IS(WRONG_THREAD, knhk_arena_rewind(theirs->arena, 1));
    IS(WRONG_THREAD, knhk_arena_reset(theirs->arena));
    IS(WRONG_THREAD, knhk_arena_destroy(theirs->arena));
    IS(WRONG_THREAD, knhk_ring_push(theirs->producer, &number, 1, NULL));
    IS(WRONG_THREAD, knhk_ring_close(theirs->producer));
    IS(EMPTY, knhk_ring_pop(theirs->consumer, &number, 1, NULL)); /* from here on this thread's */
    for (int i = 0; i < 40; i++) { /* more than a desk has slots for at first */
        OK(knhk_pool_acquire(theirs->pool, &theirs->lost));
        theirs->lost.data[0] = 1;
    }
    OK(knhk_arena_create(NULL, NULL, &theirs->arena));
    OK(knhk_arena_mark(theirs->arena, &mark));
    OK(knhk_arena_alloc(theirs->arena, 100, 8, &bytes));
    return NULL;
}

static void what_a_thread_leaves_behind_ends_with_it(void) {
    struct handed handed = {0};
    OK(knhk_pool_open("c-threads", &FOUR_OF_1024, &handed.pool));
    OK(knhk_pool_here(handed.pool, &handed.here));
    OK(knhk_pool_acquire_here(handed.here, &handed.buffer));
    OK(knhk_arena_create(NULL, NULL, &handed.arena));
    OK(knhk_ring_create(8, 4, &handed.producer, &handed.consumer));
    uint64_t number = 1;
    knhk_arena mine = handed.arena;
    OK(knhk_ring_push(handed.producer, &number, 1, NULL));
    OK(knhk_ring_pop(handed.consumer, &number, 1, NULL));
    OK(knhk_ring_close(handed.consumer));
    OK(knhk_ring_close(handed.producer));
    OK(knhk_ring_create(8, 4, &handed.producer, &handed.consumer));
    OK(knhk_ring_push(handed.producer, &number, 1, NULL));
    OK(knhk_ring_close(handed.producer));
    OK(knhk_ring_close(handed.consumer));
    OK(knhk_ring_create(8, 4, &handed.producer, &handed.consumer));
    knhk_ring_stats ring;
    OK(knhk_stats_ring(handed.producer, &ring));
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        handed.arena = mine;
        CHECK(pthread_create(&thread, NULL, trespass, &handed) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        IS(STALE, knhk_pool_release(&handed.lost));
        IS(STALE, knhk_arena_destroy(handed.arena));
        IS(STALE, knhk_ring_pop(handed.consumer, &number, 1, NULL));
        OK(knhk_stats_ring(handed.producer, &ring));
        CHECK(ring.is_abandoned);
        OK(knhk_ring_close(handed.producer));
        OK(knhk_ring_create(8, 4, &handed.producer, &handed.consumer));
        OK(knhk_stats_ring(handed.producer, &ring));
    }
    OK(knhk_ring_close(handed.producer));
    OK(knhk_ring_close(handed.consumer));
    OK(knhk_arena_destroy(mine));
    knhk_pool_stats stats;
    OK(knhk_stats_pool(handed.pool, &stats));
    CHECK(stats.in_use == 1 && stats.hits + stats.misses == 121);
    OK(knhk_pool_release(&handed.buffer));
}

#ifdef __GLIBC__
static knhk_arena arena_of_main;
static knhk_buffer buffer_of_main;

static void nothing_of_mains_is_left(void) {
    void *bytes = NULL;
    if (knhk_arena_alloc(arena_of_main, 8, 8, &bytes) != KNHK_STATUS_STALE
        || knhk_pool_release(&buffer_of_main) != KNHK_STATUS_STALE) {
        fputs("exit has not ended what the calling thread owned\n", stderr);
        _Exit(1);
    }
}

static void exit_ends_what_the_calling_thread_owns(void) {
    knhk_pool pool = 0;
    OK(knhk_pool_open("c-exit", NULL, &pool));
    OK(knhk_pool_acquire(pool, &buffer_of_main));
    OK(knhk_arena_create(NULL, NULL, &arena_of_main));
    CHECK(atexit(nothing_of_mains_is_left) == 0);
}
#endif

int main(void) {
    versions_and_texts();
    a_pool_is_opened_once();
    buffers_come_and_go();
    a_second_release_is_answered();
    a_buffer_grows();
    a_borrowed_handle_is_a_short_way();
    an_arena_is_given_back();
    an_arena_may_take_from_the_heap();
    receipts_pass_from_thread_to_thread();
    a_ring_refuses_what_it_cannot_do();
    triples_stand_in_columns();
    vectors_are_compared();
    strengths_fade();
    activation_spreads();
    what_a_thread_leaves_behind_ends_with_it();
#ifdef __GLIBC__
    exit_ends_what_the_calling_thread_owns();
#endif
    puts("C: every function did what it says");
    return 0;
}
