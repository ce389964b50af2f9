//! The accept loop of both HTTP servers: so many connections at once, and no more.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// After a connection that could not be accepted: file descriptors may have run out, and a loop that
/// does not wait would take a core until one comes free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves each connection in a task of its own, which holds one of `slots`; further clients wait in
/// the kernel's queue. Never ends by itself.
pub(crate) async fn accept<C>(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    serve: impl Fn(TcpStream) -> C,
) where
    C: Future<Output = ()> + Send + 'static,
{
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(stream);
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
