//! The OpenAPI 3.1 document, made from the routes and their types. What holds for many routes (security,
//! parameters of the path, failures) is put in here, once.

use axum::Extension;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::Problem;
use crate::server::state::State;

const BEARER: &str = "bearer";

/// The document, serialised once.
#[derive(Clone)]
pub struct Document(Bytes);

impl Document {
    pub fn new(document: OpenApi) -> Self {
        Document(Bytes::from(serde_json::to_vec(&document).unwrap_or_default()))
    }
}

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "coordinator", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = serde_json::Value)))]
async fn openapi(Extension(document): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.0).into_response()
}

/// What stands before the routes.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new().title("wonder").version(env!("CARGO_PKG_VERSION")).description(Some(
        "The coordinator's API. Failures are problem details (RFC 9457) with a stable `code`.",
    ));
    OpenApiBuilder::new().info(info).build()
}

/// Adds what holds for many routes.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "The token of a log-in (`wcs_…`), an API key (`wnd_…`), or, for `/worker`, a worker's key (`wwk_…`).",
    ));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    document.security = Some(vec![SecurityRequirement::new(BEARER, [] as [&str; 0])]);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete_operation(path, &method, operation);
            }
        }
    }
    document
}

fn complete_operation(path: &str, method: &HttpMethod, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(path, method));
    let named: Vec<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.splice(0..0, named.iter().map(|name| RefOr::T(path_parameter(name))));
    let anonymous = operation.security.is_some();
    let mut failures = vec![("400", "Malformed."), ("429", "Too many tries."), ("500", "A defect of ours.")];
    failures.push(("503", "The database or another part is away; try again."));
    if !anonymous {
        failures.extend([("401", "Not logged in."), ("403", "Not allowed.")]);
    } else if operation.request_body.is_some() {
        failures.extend([("401", "Wrong credentials."), ("403", "Refused.")]);
    }
    if !named.is_empty() {
        failures.extend([
            ("404", "Not there, or not the caller's to know."),
            ("409", "It contradicts what is there."),
        ]);
    }
    if operation.request_body.is_some() {
        failures.extend([("413", "The body is too large."), ("415", "The body is not JSON.")]);
    }
    for (status, description) in failures {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    }
}

/// `get_organizations_org_tokens`: stable, because the path is.
fn operation_id(path: &str, method: &HttpMethod) -> String {
    let method = match method {
        HttpMethod::Get => "get",
        HttpMethod::Put => "put",
        HttpMethod::Post => "post",
        HttpMethod::Patch => "patch",
        _ => "delete",
    };
    let words = path.trim_start_matches(crate::api::PREFIX).split(['/', '.', '{', '}']);
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

fn path_parameter(name: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String).min_length(Some(1));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("An id, or an unambiguous name."))
        .schema(Some(schema))
        .build()
}

fn problem(description: &str) -> RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    RefOr::T(
        ResponseBuilder::new().description(description).content("application/problem+json", content).build(),
    )
}
