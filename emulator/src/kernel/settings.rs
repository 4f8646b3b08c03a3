//! What a user chooses at the start of an emulator. Defaults are the world of the reference's decisions.

/// Whether callers' own permissions are checked. Service agents always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IamMode {
    /// Any or no credential is taken and may do everything.
    #[default]
    Off,
    Enforce,
}

/// Whether a project that nobody created exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ProjectMode {
    /// Naming a project makes it.
    #[default]
    Auto,
    /// 403, as production hides what is not there.
    Strict,
}

/// How Container Registry answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GcrEra {
    #[default]
    Serving,
    /// 412 with Google's farewell.
    ShutDown,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub iam: IamMode,
    pub projects: ProjectMode,
    pub gcr_era: GcrEra,
    pub organization_number: u64,
    pub organization_domain: String,
    /// The largest object or layer taken.
    pub max_object_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            iam: IamMode::Off,
            projects: ProjectMode::Auto,
            gcr_era: GcrEra::Serving,
            organization_number: 123_456_789_012,
            organization_domain: "example.com".to_owned(),
            max_object_bytes: 5 << 40,
        }
    }
}
