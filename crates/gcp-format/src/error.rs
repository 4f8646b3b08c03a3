//! What can be wrong with a format, a filter or a key, in gcloud's words.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// An expression does not parse; the message shows where (`*HERE*`).
    #[error("{0}")]
    Syntax(String),
    /// Apart from the others because a filter may still read the text as a search word.
    #[error("Unknown transform function {name} [{place}].")]
    UnknownTransform { name: String, place: String },
    /// Parentheses, keys or expressions within expressions, deeper than anybody means.
    #[error("Expressions are nested too deeply.")]
    TooDeep,
    #[error(
        "Format must be one of {names}; received [{0}].\n\nFor information on output formats:\n  $ gcloud topic formats\n",
        names = crate::print::NAMES.join(", ")
    )]
    UnknownFormat(String),
    #[error(
        "Format [{0}] requires a non-empty projection. Use key parameters to specify a projection like so `{0}(foo, bar.baz)`"
    )]
    ProjectionRequired(String),
    #[error("{0} requires format attribute.")]
    SubformatRequired(String),
    /// `diff`: its output is another program's.
    #[error("Format [{0}] is not supported.")]
    Unsupported(String),
    #[error("Filter expression RE pattern [{pattern}]: {reason}")]
    Pattern { pattern: String, reason: String },
    /// A transform's arguments do not fit it.
    #[error("Transform function {name}(): {reason}.")]
    Arguments { name: String, reason: String },
    #[error("Unknown string format: {0}")]
    Time(String),
    #[error("Cannot flatten [{key}]: {reason}.")]
    Flatten { key: String, reason: String },
    /// The `error()` and `fatal()` transforms speak through the record itself.
    #[error("{0}")]
    Raised(String),
}

pub(crate) type Result<T, E = FormatError> = std::result::Result<T, E>;

pub(crate) fn syntax(message: impl Into<String>) -> FormatError {
    FormatError::Syntax(message.into())
}
