//! Errors as problem documents (RFC 9457), each with a stable code. The only place that
//! knows status codes.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;

use crate::scan::ScanError;

/// An error for the caller: what happened, in words that are safe to show.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    code: &'static str,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl ToString) -> Self {
        Self { kind: "about:blank", title, status, detail: detail.to_string(), code }
    }

    pub(crate) fn invalid_parameter(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", "A parameter is wrong", detail)
    }

    pub(crate) fn unknown_scan() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-scan", "No such scan", "no scan with this id is kept here")
    }

    pub(crate) fn unknown_sbom() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-sbom", "No such SBOM", "no SBOM with this digest is stored here")
    }

    pub(crate) fn body(status: StatusCode, detail: impl ToString) -> Self {
        let (code, title) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("document-too-large", "The document is too large"),
            _ => ("unreadable-body", "The body cannot be read"),
        };
        Self::new(status, code, title, detail)
    }

    pub(crate) fn damaged_data(detail: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "damaged-data", "The imported data are damaged", detail)
    }

    /// For what is our fault: the log gets the cause, the caller a sentence.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        let detail = "the appliance could not carry this out; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoGeneration => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-data", "No data has been imported", error)
            }
            StoreError::UnknownGeneration(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-generation", "No such generation", error)
            }
            StoreError::DamagedGeneration(_) => Self::damaged_data(error),
            error if error.is_out_of_space() => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "out-of-space",
                "The disk is full",
                "free space on the appliance's state directory",
            ),
            error => Self::internal(error),
        }
    }
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Document(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-document", "The SBOM cannot be read", error)
            }
            ScanError::Vex(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-vex", "VEX cannot be applied", error)
            }
            ScanError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        let media_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    }
}

pub(crate) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown-path", "No such resource", "docs/api.md lists the paths")
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        "docs/api.md lists the methods of each path",
    )
}
