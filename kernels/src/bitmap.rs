//! One bit a lane, in words of 64, lowest bit first: 1 is valid.

use std::fmt;
use std::ops::Range;

use crate::error::{KernelError, same_length};
use crate::lanes::Lanes;

/// Lanes in a word.
pub(crate) const WORD: usize = 64;

/// Bits, of any number.
///
/// Bits behind the last, in its word, are zero.
///
/// # Examples
///
/// ```
/// use knhk_kernels::Bitmap;
///
/// let valid: Bitmap = [true, true, false, true].into_iter().collect();
/// assert_eq!((valid.len(), valid.count_ones()), (4, 3));
/// assert_eq!(valid.runs().collect::<Vec<_>>(), [0..2, 3..4]);
/// ```
#[derive(Clone, Default)]
pub struct Bitmap {
    /// `len.div_ceil(64)` words.
    words: Lanes<u64>,
    /// Bits.
    len: usize,
}

impl Bitmap {
    /// `len` bits, all as `bit`.
    pub fn filled(len: usize, bit: bool) -> Self {
        let mut bitmap = Self::from_lanes(Lanes::new());
        bitmap.set_len(len);
        bitmap.fill(bit);
        bitmap
    }

    /// The first `len` bits of `words`; bits behind them are cleared.
    ///
    /// # Errors
    ///
    /// If `words` are not as many as `len` bits need.
    pub fn from_words(words: Vec<u64>, len: usize) -> Result<Self, KernelError> {
        same_length(words.len(), len.div_ceil(WORD))?;
        let mut bitmap = Self {
            words: Lanes::from(words),
            len,
        };
        bitmap.clear_tail();
        Ok(bitmap)
    }

    /// Memory for a bitmap, whatever it holds.
    pub(crate) fn from_lanes(words: Lanes<u64>) -> Self {
        Self { words, len: 0 }
    }

    pub(crate) fn into_lanes(self) -> Lanes<u64> {
        self.words
    }

    /// Makes it `len` bits long. What they are is to be written: it may be anything, but what stands behind
    /// them is zero, for those who write bit by bit.
    pub(crate) fn set_len(&mut self, len: usize) {
        self.words.set_len(len.div_ceil(WORD));
        self.len = len;
        self.clear_tail();
    }

    /// Bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no bit.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The words, lowest bit first.
    pub fn words(&self) -> &[u64] {
        self.words.as_slice()
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        self.words.as_mut_slice()
    }

    /// The words as they were allocated.
    pub fn into_words(self) -> Vec<u64> {
        self.words.into_vec()
    }

    /// The bit at `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Self::len`].
    #[inline]
    pub fn get(&self, index: usize) -> bool {
        assert!(index < self.len, "bit {index} of {}", self.len);
        self.words()[index / WORD] >> (index % WORD) & 1 == 1
    }

    /// Sets the bit at `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Self::len`].
    #[inline]
    pub fn set(&mut self, index: usize, bit: bool) {
        assert!(index < self.len, "bit {index} of {}", self.len);
        let word = &mut self.words.as_mut_slice()[index / WORD];
        *word = *word & !(1 << (index % WORD)) | u64::from(bit) << (index % WORD);
    }

    /// Makes all bits `bit`.
    pub fn fill(&mut self, bit: bool) {
        self.words_mut().fill(if bit { u64::MAX } else { 0 });
        self.clear_tail();
    }

    /// Becomes a copy of `other`, within its own memory if that is enough.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.set_len(other.len);
        self.words_mut().copy_from_slice(other.words());
    }

    /// Clears what is not set in `other` too.
    ///
    /// # Errors
    ///
    /// If the lengths differ.
    ///
    /// # Cost
    ///
    /// A word at a time.
    pub fn and(&mut self, other: &Self) -> Result<(), KernelError> {
        same_length(self.len, other.len)?;
        for (word, other) in self.words_mut().iter_mut().zip(other.words()) {
            *word &= other;
        }
        Ok(())
    }

    /// Clears each bit whose predecessor `lag` bits before is not set, or is not there. A lag of zero
    /// clears all.
    ///
    /// # Cost
    ///
    /// A word at a time, whatever the lag.
    pub fn and_lagged(&mut self, lag: usize) {
        if lag == 0 || lag >= self.len {
            return self.fill(false);
        }
        let (whole, rest) = (lag / WORD, lag % WORD);
        let words = self.words_mut();
        // Downwards, so that what is read is not yet changed.
        for index in (0..words.len()).rev() {
            let at = |back: usize| index.checked_sub(back).map_or(0, |place| words[place]);
            let shifted = match rest {
                0 => at(whole),
                _ => at(whole) << rest | at(whole + 1) >> (WORD - rest),
            };
            words[index] &= shifted;
        }
    }

    /// Number of set bits.
    pub fn count_ones(&self) -> usize {
        self.words()
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Ranges of set bits, first to last, none touching the next.
    ///
    /// # Cost
    ///
    /// A few operations a word and a run; nothing a bit.
    pub fn runs(&self) -> Runs<'_> {
        Runs {
            bitmap: self,
            from: 0,
        }
    }

    /// The first index at or after `from` whose bit is `bit`; the length if there is none.
    fn next(&self, from: usize, bit: bool) -> usize {
        let flip = if bit { 0 } else { u64::MAX };
        let mut index = from / WORD;
        let mut mask = u64::MAX << (from % WORD);
        while let Some(word) = self.words().get(index) {
            let found = (word ^ flip) & mask;
            if found != 0 {
                return self.len.min(index * WORD + found.trailing_zeros() as usize);
            }
            mask = u64::MAX;
            index += 1;
        }
        self.len
    }

    fn clear_tail(&mut self) {
        let used = self.len % WORD;
        if used != 0
            && let Some(last) = self.words_mut().last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }
}

impl PartialEq for Bitmap {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.words() == other.words()
    }
}

impl Eq for Bitmap {}

impl fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bitmap")
            .field("len", &self.len)
            .field("words", &self.words())
            .finish()
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut words = Vec::new();
        let mut len = 0;
        for bit in bits {
            if len % WORD == 0 {
                words.push(0);
            }
            words[len / WORD] |= u64::from(bit) << (len % WORD);
            len += 1;
        }
        Self {
            words: Lanes::from(words),
            len,
        }
    }
}

/// What [`Bitmap::runs`] returns.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    bitmap: &'a Bitmap,
    from: usize,
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.bitmap.next(self.from, true);
        let end = self.bitmap.next(start, false);
        self.from = end;
        (start < end).then_some(start..end)
    }
}
