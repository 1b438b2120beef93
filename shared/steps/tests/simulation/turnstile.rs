//! Lets one process at a time at the store, in an order that follows from the seed.

use std::sync::{Condvar, Mutex};

use crate::chance::Chance;

#[derive(Debug)]
pub struct Turnstile {
    chance: Chance,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    running: Vec<usize>,
    turn: usize,
    /// Changes that the process may make before the turn passes on.
    left: u64,
    turns: u64,
}

impl Turnstile {
    pub fn new(chance: Chance, processes: usize) -> Self {
        let state = State { running: (0..processes).collect(), turn: 0, left: 0, turns: 0 };
        let turnstile = Self { chance, state: Mutex::new(state), moved: Condvar::new() };
        turnstile.pass_on(&mut turnstile.state.lock().unwrap());
        turnstile
    }

    /// Returns when it is the process's turn. A process reads as it likes in its turn; the turn ends before a change.
    pub fn enter(&self, process: usize, changes: bool) {
        let mut state = self.state.lock().unwrap();
        loop {
            while state.turn != process {
                state = self.moved.wait(state).unwrap();
            }
            if !changes {
                return;
            }
            if state.left > 0 {
                state.left -= 1;
                return;
            }
            self.pass_on(&mut state);
        }
    }

    /// The process is done or gone.
    pub fn leave(&self, process: usize) {
        let mut state = self.state.lock().unwrap();
        state.running.retain(|other| *other != process);
        if state.turn == process {
            self.pass_on(&mut state);
        }
    }

    fn pass_on(&self, state: &mut State) {
        state.turns += 1;
        let bits = self.chance.draw(&["turn", &state.turns.to_string()]);
        if let Some(next) = state.running.get(bits as usize % state.running.len().max(1)) {
            state.turn = *next;
        }
        state.left = 1 + bits / 7 % 12;
        self.moved.notify_all();
    }
}
