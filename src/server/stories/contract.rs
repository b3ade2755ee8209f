//! The document of the API holds what the API's types promise.

use crate::server::routes::document;

/// Each line of the table in `api/mod.rs` is a route of the document, and the other way round.
#[test]
fn the_document_has_the_routes_of_the_contract() {
    let table = include_str!("../../api/mod.rs");
    let mut promised: Vec<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
        .map(|route| route.replace('…', "/organizations"))
        .collect();
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut described: Vec<String> = paths
        .iter()
        .filter_map(|(path, item)| Some((path.strip_prefix("/api/v1")?, item)))
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .filter(|route| route != "GET /openapi.json")
        .collect();
    promised.sort();
    described.sort();
    assert_eq!(described, promised);
}

#[test]
fn every_operation_says_who_may_call_and_how_it_fails() {
    let document = serde_json::to_value(document()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let (what, responses) = (format!("{method} {path}"), &operation["responses"]);
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}");
            assert!(responses["500"]["content"]["application/problem+json"].is_object(), "{what}");
            let named = path.matches('{').count();
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), named, "{what}");
            let anonymous = operation.get("security").is_some();
            assert!(responses.get("403").is_some() || anonymous, "{what}");
        }
    }
    assert_eq!(document["security"][0]["bearer"], serde_json::json!([]));
}
