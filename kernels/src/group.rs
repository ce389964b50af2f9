//! `W` lanes, each from a stream of its own, taken through the same steps side by side.
//!
//! A logarithm is a chain of some twenty operations, each waiting for the one before. A loop that
//! carries several chains at once keeps the core busy; the compiler makes each lane of a group a vector.

use std::ops::{Add, Div, Mul, Sub};

/// `W` lanes.
#[derive(Clone, Copy)]
pub(crate) struct Group<const W: usize>(pub(crate) [f64; W]);

impl<const W: usize> Group<W> {
    #[inline(always)]
    pub(crate) fn map(self, step: impl Fn(f64) -> f64) -> Self {
        self.zip(self, |lane, _| step(lane))
    }

    #[inline(always)]
    pub(crate) fn zip(self, other: Self, step: impl Fn(f64, f64) -> f64) -> Self {
        let mut lanes = self.0;
        let mut index = 0;
        while index < W {
            lanes[index] = step(lanes[index], other.0[index]);
            index += 1;
        }
        Self(lanes)
    }

    /// `self · factor + addend`, rounded once.
    #[inline(always)]
    pub(crate) fn fma(self, factor: Self, addend: Self) -> Self {
        let mut lanes = self.0;
        let mut index = 0;
        while index < W {
            lanes[index] = lanes[index].mul_add(factor.0[index], addend.0[index]);
            index += 1;
        }
        Self(lanes)
    }

    /// `self · factor + addend`, rounded once.
    #[inline(always)]
    pub(crate) fn fma_lane(self, factor: f64, addend: Self) -> Self {
        self.zip(addend, |lane, addend| lane.mul_add(factor, addend))
    }

    /// `first · self + zeroth`, rounded once: a polynomial of the first degree.
    #[inline(always)]
    pub(crate) fn line(self, zeroth: f64, first: f64) -> Self {
        self.map(|lane| lane.mul_add(first, zeroth))
    }
}

impl<const W: usize> Add for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl<const W: usize> Sub for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl<const W: usize> Mul for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl<const W: usize> Div for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
}

impl<const W: usize> Add<f64> for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: f64) -> Self {
        self.map(|lane| lane + other)
    }
}

impl<const W: usize> Sub<f64> for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: f64) -> Self {
        self.map(|lane| lane - other)
    }
}

impl<const W: usize> Mul<f64> for Group<W> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: f64) -> Self {
        self.map(|lane| lane * other)
    }
}
