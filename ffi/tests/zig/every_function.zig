// Every function of knhk_pool.h from Zig; `k` is the header, translated.

const std = @import("std");
const k = @import("knhk");

const Refused = error{Status};

fn ok(status: k.knhk_status) Refused!void {
    if (status != k.KNHK_STATUS_OK) return error.Status;
}

fn check(claim: bool) Refused!void {
    if (!claim) return error.Status;
}

fn pools() Refused!void {
    var pool: k.knhk_pool = 0;
    var here: k.knhk_here = 0;
    const config = k.knhk_pool_config{ .pool_size = 2, .buffer_size = 64, .zero_on_release = 1 };
    try ok(k.knhk_pool_open("zig", &config, &pool));
    try ok(k.knhk_pool_warm_up(pool));
    try ok(k.knhk_pool_here(pool, &here));
    var buffers: [4]k.knhk_buffer = undefined;
    try ok(k.knhk_pool_try_acquire(pool, &buffers[0]));
    try ok(k.knhk_pool_try_acquire_here(here, &buffers[1]));
    try check(k.knhk_pool_try_acquire(pool, &buffers[2]) == k.KNHK_STATUS_EXHAUSTED);
    try ok(k.knhk_pool_acquire(pool, &buffers[2]));
    try ok(k.knhk_pool_acquire_here(here, &buffers[3]));
    for (&buffers) |*buffer| {
        @memset(buffer.data[0..buffer.capacity], 7);
        buffer.len = buffer.capacity;
        try ok(k.knhk_pool_reserve(buffer, 1000));
        try check(buffer.data[63] == 7 and buffer.capacity >= 1000);
        try ok(k.knhk_pool_release(buffer));
        try check(k.knhk_pool_release(buffer) == k.KNHK_STATUS_STALE);
    }
    var stats: k.knhk_pool_stats = undefined;
    try ok(k.knhk_stats_pool(pool, &stats));
    try check(stats.hits == 2 and stats.misses == 2 and stats.in_use == 0);
    try ok(k.knhk_pool_trim(pool, null));
}

fn arenas() Refused!void {
    var arena: k.knhk_arena = 0;
    var mark: k.knhk_mark = 0;
    var bytes: ?*anyopaque = null;
    try ok(k.knhk_arena_create("zig", null, &arena));
    try ok(k.knhk_arena_mark(arena, &mark));
    try ok(k.knhk_arena_alloc(arena, 800, 64, &bytes));
    const numbers: [*]u64 = @ptrCast(@alignCast(bytes));
    @memset(numbers[0..100], 1);
    try ok(k.knhk_arena_rewind(arena, mark));
    try check(k.knhk_arena_rewind(arena, mark) == k.KNHK_STATUS_STALE);
    var stats: k.knhk_arena_stats = undefined;
    try ok(k.knhk_stats_arena(arena, &stats));
    try check(stats.in_use == 0 and stats.high_water >= 800);
    try ok(k.knhk_arena_reset(arena));
    try ok(k.knhk_arena_destroy(arena));
    try check(k.knhk_arena_destroy(arena) == k.KNHK_STATUS_STALE);
}

fn rings() Refused!void {
    var producer: k.knhk_ring_half = 0;
    var consumer: k.knhk_ring_half = 0;
    try ok(k.knhk_ring_create(@sizeOf(k.knhk_receipt), 4, &producer, &consumer));
    var receipt = std.mem.zeroes(k.knhk_receipt);
    receipt.a_hash = k.knhk_receipt_hash(1, 2, 3, 4);
    try ok(k.knhk_ring_push(producer, &receipt, 1, null));
    try ok(k.knhk_ring_close(producer));
    var ring: k.knhk_ring_stats = undefined;
    try ok(k.knhk_stats_ring(consumer, &ring));
    try check(ring.is_abandoned == 1 and ring.len == 1);
    var popped = std.mem.zeroes(k.knhk_receipt);
    try ok(k.knhk_ring_pop(consumer, &popped, 1, null));
    var sum = std.mem.zeroes(k.knhk_merged_receipt);
    try ok(k.knhk_receipt_merge(&sum, &popped));
    try check(sum.count == 1 and sum.hash == receipt.a_hash);
    try ok(k.knhk_ring_close(consumer));
}

fn triples() Refused!void {
    const two = [_]u64{ 1, 7, 2, 3, 9, 4 };
    var columns: k.knhk_soa_triples align(64) = undefined;
    var runs: [8]k.knhk_predicate_run = undefined;
    var count: usize = 0;
    try ok(k.knhk_triples_load(&two, 2, &columns, &runs, &count));
    try check(count == 2 and columns.s[1] == 3 and runs[1].predicate == 9);
}

fn kernels() Refused!void {
    const query = [_]f32{ 3, 4 };
    const rows = [_]f32{ 4, -3, 6, 8 };
    var scores: [2]f32 = undefined;
    try ok(k.knhk_vector_cosine(&query, 2, &rows, rows.len, &scores, scores.len));
    try check(scores[0] == 0 and scores[1] == 1);
    var best: [1]k.knhk_scored = undefined;
    var found: usize = 0;
    try ok(k.knhk_vector_top_k(&scores, scores.len, &best, best.len, &found));
    try check(found == 1 and best[0].index == 1);
    var number: f32 = 0;
    try ok(k.knhk_vector_dot(&query, &query, 2, &number));
    try check(number == 25);
    try ok(k.knhk_vector_distance(&query, rows[2..].ptr, 2, &number));
    try check(number == 5);
    try check(k.knhk_vector_dot(null, &query, 2, &number) == k.KNHK_STATUS_NULL_POINTER);

    var strengths = [_]f32{ 1, 1 };
    const ages = [_]u64{ 0, 7 };
    try ok(k.knhk_decay_half_life(&strengths, &ages, 2, 7));
    try check(strengths[0] == 1 and strengths[1] == 0.5);
    try ok(k.knhk_decay_time_constant(&strengths, &ages, 2, 0));
    try check(strengths[0] == 1 and strengths[1] == 0);

    const offsets = [_]u32{ 0, 1, 1 };
    const targets = [_]u32{1};
    const weights = [_]f32{0.5};
    const graph = k.knhk_graph{ .offsets = &offsets, .targets = &targets, .weights = &weights, .nodes = 2, .edges = 1 };
    const spread = k.knhk_spread{ .decay = 1, .threshold = 0, .hops_max = 1 };
    var activation = [_]f32{ 1, 0 };
    try ok(k.knhk_graph_spread(&graph, &activation, 2, &spread, null));
    try check(activation[1] == 0.5);
}

pub fn main() Refused!void {
    try check(k.knhk_abi_version() == k.KNHK_ABI_VERSION);
    try check(k.knhk_status_text(0)[0] == 'o');
    try check(k.knhk_config_error() == null);
    try pools();
    try arenas();
    try rings();
    try triples();
    try kernels();
    std.debug.print("Zig: every function did what it says\n", .{});
}
