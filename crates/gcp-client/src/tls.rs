//! Whom the client believes: the system's certificates, a file's instead, or anybody.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::TransportError;
use crate::error::Stage;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    #[default]
    System,
    /// The certificates of this PEM file, and no others.
    File(PathBuf),
    /// Nothing is verified.
    Anybody,
}

/// The configuration, and what is to be added to an error of a handshake.
pub(crate) fn configure(trust: &Trust) -> Result<(ClientConfig, Option<String>), TransportError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let broken = |what: String| TransportError::at(Stage::Local, what);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(format!("no TLS: {error}")))?;
    let mut note = None;
    let builder = match trust {
        Trust::System => match builder.clone().with_native_roots() {
            Ok(builder) => builder,
            // Plain addresses still work, so it is said only where a certificate would be needed.
            Err(error) => {
                note = Some(format!("the system has no certificates: {error}"));
                builder.with_root_certificates(RootCertStore::empty())
            }
        },
        Trust::File(path) => {
            let name = path.display();
            let read = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| broken(format!("{name}: {error}")))?;
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(read);
            if added == 0 {
                return Err(broken(format!("{name} holds no certificate")));
            }
            builder.with_root_certificates(roots)
        }
        Trust::Anybody => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    Ok((builder.with_no_client_auth(), note))
}

/// Takes any certificate; the handshake must still be signed with it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
