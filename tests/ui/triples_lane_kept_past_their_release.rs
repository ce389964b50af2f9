//! A column of pooled triples is lent with them.

use knhk_pool::KnhkPool;

fn main() {
    let pool = KnhkPool::new();
    let subjects = {
        let triples = pool.get_soa(8).unwrap();
        &triples.s
    };
    assert_eq!(subjects[0], 0);
}
