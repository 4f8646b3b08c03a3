//! How an emulator is made: seed, clock, where its state lives, what is checked.

use std::path::PathBuf;
use std::sync::Arc;

use crate::handle::{Emulator, Running};
use crate::kernel::blobs::Blobs;
use crate::kernel::datadir::{DataDir, DataDirError};
use crate::kernel::entropy::Entropy;
use crate::kernel::settings::{GcrEra, IamMode, ProjectMode, Settings};
use crate::kernel::store::Store;
use crate::kernel::vault::Vault;
use crate::kernel::{Clock, Error, Kernel, Time};

/// Why an emulator could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("{0:?} is no time; write it as 2026-01-05T09:00:00Z")]
    Time(String),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: std::io::Error },
    #[error("{}", .0.message())]
    Refused(Error),
}

impl From<Error> for BuildError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built or started"]
pub struct Builder {
    seed: u64,
    frozen_at: Option<String>,
    data_dir: Option<PathBuf>,
    address: String,
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            seed: 0,
            frozen_at: None,
            data_dir: None,
            address: "127.0.0.1:0".to_owned(),
            settings: Settings::default(),
        }
    }
}

impl Builder {
    /// Names (project numbers, etags, ids) follow from it. A data directory keeps the seed it was made with.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Freezes the clock at an RFC 3339 time; it moves only when told.
    pub fn frozen_at(mut self, time: &str) -> Self {
        self.frozen_at = Some(time.to_owned());
        self
    }

    /// Keeps state in a folder. Without it everything is in memory and gone at the end.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Where `start` listens; port 0 takes a free one.
    pub fn address(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    pub fn iam(mut self, mode: IamMode) -> Self {
        self.settings.iam = mode;
        self
    }

    pub fn projects(mut self, mode: ProjectMode) -> Self {
        self.settings.projects = mode;
        self
    }

    pub fn gcr_era(mut self, era: GcrEra) -> Self {
        self.settings.gcr_era = era;
        self
    }

    /// The emulator without a port: calls are made in the process.
    pub async fn build(self) -> Result<Emulator, BuildError> {
        let (store, vault, blobs, seed) = match &self.data_dir {
            Some(path) => {
                let opened = DataDir::open(path, self.seed)?;
                (opened.store, opened.vault, opened.blobs, opened.seed)
            }
            None => (Arc::new(Store::in_memory()?), Vault::in_memory(), Blobs::in_memory(), self.seed),
        };
        let clock = match &self.frozen_at {
            None => Clock::system(),
            Some(text) => Clock::frozen(Time::parse(text).ok_or_else(|| BuildError::Time(text.clone()))?),
        };
        let kernel = Kernel::new(store, vault, blobs, Arc::new(clock), Entropy::new(seed), self.settings.clone());
        let emulator = Emulator::new(kernel, self.data_dir);
        emulator.check().await?;
        Ok(emulator)
    }

    /// The emulator on a port of its own.
    pub async fn start(self) -> Result<Running, BuildError> {
        let address = self.address.clone();
        // The port first: a taken one must not touch a data directory.
        let listener = tokio::net::TcpListener::bind(&address)
            .await
            .map_err(|source| BuildError::Listen { address: address.clone(), source })?;
        let emulator = self.build().await?;
        emulator.serve(listener).map_err(|source| BuildError::Listen { address, source })
    }
}
