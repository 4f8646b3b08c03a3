//! `ifGenerationMatch` and its three siblings.

use super::rows::ObjectRow;
use crate::kernel::{Error, Result};
use crate::rest::{self, Query, Request};

#[derive(Clone, Copy, Debug, Default)]
pub struct Preconditions {
    generation: Option<i64>,
    not_generation: Option<i64>,
    metageneration: Option<u64>,
    not_metageneration: Option<u64>,
}

pub fn unmet() -> Error {
    Error::failed_precondition("At least one of the pre-conditions you specified did not hold.")
        .with_http(412)
        .with_reason("conditionNotMet")
        .with_location("header", "If-Match")
}

/// Generations are never negative.
pub fn generation(query: &Query, name: &str) -> Result<Option<i64>> {
    let number = query.number::<i64>(name)?;
    if number.is_some_and(i64::is_negative) {
        let text = format!("Invalid value for parameter {name}: '{}'.", query.get(name).unwrap_or_default());
        return Err(Error::invalid_argument(text).with_reason("invalid"));
    }
    Ok(number)
}

impl Preconditions {
    /// `source`: those of a copy's source, `ifSourceGenerationMatch`.
    pub fn of(query: &Query, source: bool) -> Result<Self> {
        let name = |rest: &str| if source { format!("ifSource{rest}") } else { format!("if{rest}") };
        Ok(Self {
            generation: generation(query, &name("GenerationMatch"))?,
            not_generation: generation(query, &name("GenerationNotMatch"))?,
            metageneration: query.number(&name("MetagenerationMatch"))?,
            not_metageneration: query.number(&name("MetagenerationNotMatch"))?,
        })
    }

    /// Those of the XML API.
    pub fn of_headers(request: &Request) -> Result<Self> {
        let header = |name: &str, from: &str| rest::header(request, from).map(|value| format!("{name}={value}"));
        let pairs = [
            header("ifGenerationMatch", "x-goog-if-generation-match"),
            header("ifMetagenerationMatch", "x-goog-if-metageneration-match"),
        ];
        Self::of(&Query::parse(&pairs.into_iter().flatten().collect::<Vec<_>>().join("&")), false)
    }

    /// `ifGenerationMatch` alone.
    pub fn generation(generation: Option<i64>) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Against an object, or its absence (generation 0).
    pub fn check(&self, object: Option<&ObjectRow>, reading: bool) -> Result<()> {
        let generation = object.map_or(0, |row| row.generation);
        self.check_numbers(generation, object.map(|row| row.metageneration), reading)
    }

    pub fn check_bucket(&self, metageneration: u64, reading: bool) -> Result<()> {
        Self { generation: None, not_generation: None, ..*self }.check_numbers(0, Some(metageneration), reading)
    }

    fn check_numbers(&self, generation: i64, metageneration: Option<u64>, reading: bool) -> Result<()> {
        if self.generation.is_some_and(|wanted| wanted != generation)
            || self.metageneration.is_some_and(|wanted| Some(wanted) != metageneration)
        {
            return Err(unmet());
        }
        if self.not_generation.is_some_and(|unwanted| unwanted == generation)
            || self.not_metageneration.is_some_and(|unwanted| Some(unwanted) == metageneration)
        {
            // A reader who has it already is told so; a writer is refused.
            return Err(if reading { unmet().with_http(304) } else { unmet() });
        }
        Ok(())
    }
}
