//! HMAC-SHA-256 (RFC 2104) of short texts after a fixed beginning, in two rounds of the hash and without any other work.

use sha2::block_api::compress256;

const BLOCK: usize = 64;
/// The mark after a message, and its length in bits.
const PADDING: usize = 9;
/// The hash's state at the beginning: FIPS 180-4 section 5.3.3.
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The states of the inner and the outer hash, and the bytes of the last block that are the same for all texts.
#[derive(Clone)]
pub struct Short {
    inner: [u32; 8],
    outer: [u32; 8],
    hashed: usize,
    begun: Vec<u8>,
}

impl Short {
    /// With a key that is no longer than a block.
    pub fn new(key: &[u8; 32]) -> Self {
        let keyed = |pad: u8| {
            let (mut state, mut block) = (START, [pad; BLOCK]);
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            compress256(&mut state, &[block]);
            state
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c), hashed: BLOCK, begun: Vec::new() }
    }

    /// With that beginning.
    pub fn after(&self, beginning: &[u8]) -> Self {
        let mut after = self.clone();
        let (blocks, rest) = beginning.as_chunks::<BLOCK>();
        compress256(&mut after.inner, blocks);
        after.hashed += blocks.len() * BLOCK;
        after.begun = rest.to_vec();
        after
    }

    /// The code of the text and its length; `None` for one that does not fit into the block that was begun.
    pub fn of(&self, text: &[u8]) -> Option<[u8; 32]> {
        let mut block = [0; BLOCK];
        let length = (text.len() as u64).to_le_bytes();
        let mut used = 0;
        for part in [self.begun.as_slice(), &length, text] {
            block.get_mut(used..used + part.len())?.copy_from_slice(part);
            used += part.len();
        }
        if used + PADDING > BLOCK {
            return None;
        }
        let mut inner = self.inner;
        compress256(&mut inner, &[ended(block, used, self.hashed)]);
        let mut block = [0; BLOCK];
        block.iter_mut().zip(bytes(&inner)).for_each(|(byte, inner)| *byte = inner);
        let mut outer = self.outer;
        compress256(&mut outer, &[ended(block, 32, BLOCK)]);
        Some(bytes(&outer))
    }
}

/// The last block of a message: `used` bytes of it, after `hashed` bytes before it.
fn ended(mut block: [u8; BLOCK], used: usize, hashed: usize) -> [u8; BLOCK] {
    if let Some(mark) = block.get_mut(used) {
        *mark = 0x80;
    }
    if let Some(bits) = block.last_chunk_mut() {
        *bits = ((used + hashed) as u64 * 8).to_be_bytes();
    }
    block
}

fn bytes(state: &[u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *chunk = word.to_be_bytes();
    }
    bytes
}
