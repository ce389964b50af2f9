//! The service's face to the network.

pub mod live;
pub mod page;
