//! The canonical error: one shape inside, made into Google JSON, a gRPC status, XML or a Docker body only at the edge.

use std::collections::BTreeMap;
use std::fmt;

/// Canonical codes of `google.rpc.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

const CODES: [(Code, &str, u16); 17] = [
    (Code::Ok, "OK", 200),
    (Code::Cancelled, "CANCELLED", 499),
    (Code::Unknown, "UNKNOWN", 500),
    (Code::InvalidArgument, "INVALID_ARGUMENT", 400),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", 504),
    (Code::NotFound, "NOT_FOUND", 404),
    (Code::AlreadyExists, "ALREADY_EXISTS", 409),
    (Code::PermissionDenied, "PERMISSION_DENIED", 403),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", 429),
    (Code::FailedPrecondition, "FAILED_PRECONDITION", 400),
    (Code::Aborted, "ABORTED", 409),
    (Code::OutOfRange, "OUT_OF_RANGE", 400),
    (Code::Unimplemented, "UNIMPLEMENTED", 501),
    (Code::Internal, "INTERNAL", 500),
    (Code::Unavailable, "UNAVAILABLE", 503),
    (Code::DataLoss, "DATA_LOSS", 500),
    (Code::Unauthenticated, "UNAUTHENTICATED", 401),
];

impl Code {
    pub fn name(self) -> &'static str {
        CODES[self as usize].1
    }

    /// The HTTP status that `google.rpc.Code` names for this code.
    pub fn http(self) -> u16 {
        CODES[self as usize].2
    }

    pub fn from_i32(code: i32) -> Self {
        usize::try_from(code).ok().and_then(|i| CODES.get(i)).map_or(Self::Unknown, |row| row.0)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        CODES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The nearest code for an answer that carries only an HTTP status.
    pub fn from_http(status: u16) -> Self {
        match status {
            200..=299 => Self::Ok,
            400 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::AlreadyExists,
            412 => Self::FailedPrecondition,
            416 => Self::OutOfRange,
            429 => Self::ResourceExhausted,
            499 => Self::Cancelled,
            501 => Self::Unimplemented,
            503 => Self::Unavailable,
            504 => Self::DeadlineExceeded,
            500 => Self::Internal,
            _ => Self::Unknown,
        }
    }
}

/// The details of `google.rpc` that Google's services attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    ErrorInfo { reason: String, domain: String, metadata: BTreeMap<String, String> },
    PreconditionFailure(Vec<Violation>),
    BadRequest(Vec<FieldViolation>),
    LocalizedMessage { locale: String, message: String },
    Help(Vec<HelpLink>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: String,
    pub subject: String,
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    pub field: String,
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpLink {
    pub description: String,
    pub url: String,
}

/// What a caller is told. Boxed inside so that `Result<T, Error>` stays small.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: String,
    http: Option<u16>,
    reason: Option<String>,
    location: Option<(&'static str, &'static str)>,
    details: Vec<Detail>,
    log: Option<String>,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            http: None,
            reason: None,
            location: None,
            details: Vec::new(),
            log: None,
        }))
    }

    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(Code::AlreadyExists, message)
    }
    pub fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, message)
    }
    pub fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, message)
    }
    pub fn aborted(message: impl Into<String>) -> Self {
        Self::new(Code::Aborted, message)
    }
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// A fault of the emulator itself: the caller reads a plain sentence, the log reads `log`.
    pub fn internal(log: impl Into<String>) -> Self {
        Self::new(Code::Internal, "Internal error encountered.").with_log(log)
    }

    pub fn unimplemented(method: &str) -> Self {
        Self::new(Code::Unimplemented, format!("Method {method} is not implemented by this emulator."))
    }

    /// An HTTP status other than the code's own (Storage answers 412 where the code says 400).
    #[must_use]
    pub fn with_http(mut self, status: u16) -> Self {
        self.0.http = Some(status);
        self
    }
    /// The `reason` of the older JSON envelope (`errors[].reason`); an error that has one is printed with `errors[]`.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }
    /// `locationType` and `location` of the older JSON envelope.
    #[must_use]
    pub fn with_location(mut self, kind: &'static str, name: &'static str) -> Self {
        self.0.location = Some((kind, name));
        self
    }
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.0.details.push(detail);
        self
    }
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Self {
        self.0.log = Some(log.into());
        self
    }
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }
    pub fn message(&self) -> &str {
        &self.0.message
    }
    pub fn http_status(&self) -> u16 {
        self.0.http.unwrap_or_else(|| self.0.code.http())
    }
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
    pub fn location(&self) -> Option<(&'static str, &'static str)> {
        self.0.location
    }
    pub fn details(&self) -> &[Detail] {
        &self.0.details
    }
    /// For the log only, never for the caller.
    pub fn log(&self) -> Option<&str> {
        self.0.log.as_deref()
    }
    pub fn is_not_found(&self) -> bool {
        self.0.code == Code::NotFound
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}
