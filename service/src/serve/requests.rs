//! The requests of one connection: whether one of them is under way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as Frames, Frame, SizeHint};

/// All of them. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<AtomicUsize>);

/// One whose head has come.
#[derive(Debug)]
pub(super) struct Begun(Requests);

impl Requests {
    pub(super) fn begin(&self) -> Begun {
        // Relaxed, here and below: one task counts and looks.
        self.0.fetch_add(1, Ordering::Relaxed);
        Begun(self.clone())
    }

    /// From the end of a head to the end of its answer.
    pub(super) fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body: until its end the request is under way.
#[derive(Debug)]
pub(super) struct Answering {
    body: Body,
    _begun: Begun,
}

impl Answering {
    pub(super) fn new(body: Body, begun: Begun) -> Self {
        Self {
            body,
            _begun: begun,
        }
    }
}

impl Frames for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
