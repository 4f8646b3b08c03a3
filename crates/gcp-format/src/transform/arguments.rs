//! The transforms there are, and what is given to them in parentheses.

use super::{Apply, Scope, code, list, number, pick, string, template, when};
use crate::error::{FormatError, Result};
use crate::lex::Token;
use crate::text;

/// A transform by name, with its parameters in order.
#[derive(Debug)]
pub(crate) struct Signature {
    pub name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    /// Takes any number of further arguments.
    rest: bool,
    /// `name=value` names a parameter.
    named: bool,
    build: fn(&Arguments, &Scope) -> Result<Apply>,
}

macro_rules! signatures {
    ($($name:literal ($($required:literal),* ; $($optional:literal),* $(; $rest:ident)?) $build:path,)*) => {
        &[$(Signature {
            name: $name,
            parameters: &[$($required,)* $($optional,)*],
            required: { const REQUIRED: &[&str] = &[$($required),*]; REQUIRED.len() },
            rest: { const REST: &[&str] = &[$(stringify!($rest))?]; !REST.is_empty() },
            named: { const OPTIONAL: &[&str] = &[$($optional),*]; !OPTIONAL.is_empty() },
            build: $build,
        },)*]
    };
}

/// Required parameters; optional ones; `rest` for any number.
static SIGNATURES: &[Signature] = signatures! {
    "always" (;) pick::same,
    "basename" (; "undefined") string::basename,
    "collection" (; "undefined") pick::undefined,
    "color" (; "red", "yellow", "green", "blue") string::color,
    "count" (;) list::count,
    "date" (; "format", "unit", "undefined", "tz", "tz_default") when::date,
    "decode" ("encoding"; "undefined") code::decode,
    "duration" (; "start", "end", "parts", "precision", "calendar", "unit", "undefined") when::duration,
    "encode" ("encoding"; "undefined") code::encode,
    "enum" ("enums"; "inverse", "undefined") pick::undefined,
    "error" (; "message") pick::error,
    "extract" (; ; rest) pick::extract,
    "fatal" (; "message") pick::error,
    "filter" ("expression";) pick::filter,
    "firstof" (; ; rest) pick::firstof,
    "flatten" (; "show", "undefined", "separator") list::flatten,
    "float" (; "precision", "spec", "undefined") number::float,
    "format" ("fmt"; ; rest) template::format,
    "group" (; ; rest) list::group,
    "if" ("expr";) pick::same,
    "iso" (; "undefined") when::iso,
    "join" (; "sep", "undefined") list::join,
    "len" (;) list::len,
    "list" (; "show", "undefined", "separator") list::list,
    "lower" (;) string::lower,
    "map" (; "depth") pick::same,
    "notnull" (;) list::notnull,
    "regex" ("expression"; "does_match", "nomatch") string::regex,
    "resolution" (; "undefined", "transpose") number::resolution,
    "scope" (; ; rest) string::scope,
    "segment" (; "index", "undefined") string::segment,
    "size" (; "zero", "precision", "units_in", "units_out", "min") number::size,
    "slice" (; "op", "undefined") list::slice,
    "sort" (; "attr") list::sort,
    "split" (; "sep", "undefined") list::split,
    "sub" ("pattern", "replacement"; "count", "ignorecase") string::sub,
    "synthesize" (; ; rest) pick::synthesize,
    "trailoff" ("character_limit"; "undefined") string::trailoff,
    "upper" (;) string::upper,
    "uri" (; "undefined") pick::uri,
    "yesno" (; "yes", "no") pick::yesno,
};

pub(super) fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.binary_search_by(|signature| signature.name.cmp(name)).ok().map(|at| &SIGNATURES[at])
}

/// Arguments by parameter.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    signature: &'static Signature,
    values: Vec<Option<String>>,
    rest: Vec<String>,
    /// How many came without a name.
    unnamed: usize,
}

impl Arguments {
    pub fn bind(signature: &'static Signature, given: Vec<Token>) -> Result<Self> {
        let mut bound =
            Self { signature, values: vec![None; signature.parameters.len()], rest: Vec::new(), unnamed: 0 };
        for argument in given.into_iter().map(|token| token.text) {
            if signature.named
                && let Some((name, value)) = argument.split_once('=')
            {
                if let Some(at) = signature.parameters.iter().position(|parameter| *parameter == name) {
                    bound.values[at] = Some(value.to_owned());
                    continue;
                }
                // A pattern or a separator may hold the sign; a word before it is a mistyped parameter.
                if !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                    return Err(bound.wrong(format!("no argument is called [{name}]")));
                }
            }
            if bound.unnamed < signature.parameters.len() {
                bound.values[bound.unnamed] = Some(argument);
                bound.unnamed += 1;
            } else if signature.rest {
                bound.rest.push(argument);
            } else {
                return Err(bound.wrong(format!("it does not take [{argument}]")));
            }
        }
        match (0..signature.required).find(|at| bound.values[*at].is_none()) {
            Some(at) => Err(bound.wrong(format!("[{}] is missing", signature.parameters[at]))),
            None => Ok(bound),
        }
    }

    pub fn wrong(&self, reason: impl Into<String>) -> FormatError {
        FormatError::Arguments { name: self.signature.name.to_owned(), reason: reason.into() }
    }

    pub fn name(&self) -> &'static str {
        self.signature.name
    }

    /// Arguments that came without a name, where they have words of their own.
    pub fn positional(&self) -> impl Iterator<Item = &str> {
        let none = self.signature.name == "synthesize";
        let unnamed = self.values.iter().take(self.unnamed).flatten().chain(&self.rest).map(String::as_str);
        unnamed.filter(move |_| !none)
    }

    pub fn build(&self, scope: &Scope) -> Result<Apply> {
        (self.signature.build)(self, scope)
    }

    pub fn get(&self, parameter: &str) -> Option<&str> {
        let at = self.signature.parameters.iter().position(|name| *name == parameter)?;
        self.values[at].as_deref()
    }

    pub fn text<'a>(&'a self, parameter: &str, otherwise: &'a str) -> &'a str {
        self.get(parameter).unwrap_or(otherwise)
    }

    pub fn owned(&self, parameter: &str, otherwise: &str) -> String {
        self.text(parameter, otherwise).to_owned()
    }

    pub fn integer(&self, parameter: &str, otherwise: i64) -> Result<i64> {
        match self.get(parameter) {
            None => Ok(otherwise),
            Some(value) => text::integer(value).ok_or_else(|| self.wrong(format!("[{value}] is not a whole number"))),
        }
    }

    pub fn whole(&self, parameter: &str, otherwise: usize) -> Result<usize> {
        let value = self.integer(parameter, i64::try_from(otherwise).unwrap_or(i64::MAX))?;
        usize::try_from(value).map_err(|_| self.wrong(format!("[{value}] is negative")))
    }

    /// Digits to show: more than any number has are refused.
    pub fn digits(&self, parameter: &str, otherwise: usize) -> Result<usize> {
        let digits = self.whole(parameter, otherwise)?;
        if digits > 300 { Err(self.wrong(format!("[{digits}] digits are too many"))) } else { Ok(digits) }
    }

    pub fn yes(&self, parameter: &str, otherwise: bool) -> bool {
        self.get(parameter).map_or(otherwise, text::is_yes)
    }

    pub fn rest(&self) -> &[String] {
        &self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_found_by_name() {
        assert!(SIGNATURES.windows(2).all(|pair| pair[0].name < pair[1].name), "the table is sorted");
        assert!(find("basename").is_some());
        assert!(find("nope").is_none());
    }
}
