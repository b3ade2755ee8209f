//! What each route needs of its caller, read off what its handler takes, and written into the OpenAPI document
//! as `x-permission`. A handler that takes `May<P>` cannot run without `P`, so what the document says is what
//! is checked; an argument of a type that says nothing about rights does not compile. tests/stories/permissions.rs
//! calls every route of the document as everybody, and knows each by this.

use axum::Extension;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::core::role::Permission;
use crate::server::extract::{Asked, Body, From, Listing, Target};
use crate::server::state::State;
use crate::service::administrator::Administrator;
use crate::service::authority::{Caller, May};
use crate::service::worker::Worker;

/// The member of an operation that says it.
const MEMBER: &str = "x-permission";

/// What a route needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// No credential.
    Nothing,
    /// The key of a worker.
    WorkerKey,
    /// A credential, whosever it is: the route is about what is the caller's own.
    Caller,
    /// A person who administers the coordinator.
    Administrator,
    /// This permission in the organization that the path names.
    Permission(&'static str),
}

impl Needs {
    const fn as_str(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing",
            Needs::WorkerKey => "worker_key",
            Needs::Caller => "caller",
            Needs::Administrator => "administrator",
            Needs::Permission(name) => name,
        }
    }

    /// What two arguments of one handler need together.
    const fn and(self, other: Needs) -> Needs {
        match (self, other) {
            (Needs::Nothing, needs) | (needs, Needs::Nothing) => needs,
            (Needs::Permission(name), _) | (_, Needs::Permission(name)) => Needs::Permission(name),
            (needs, _) => needs,
        }
    }
}

/// An argument of a handler, and what it needs of the caller.
pub trait Argument {
    const NEEDS: Needs;
}

impl<P: Permission> Argument for May<P> {
    const NEEDS: Needs = Needs::Permission(P::NAME);
}

impl Argument for Caller {
    const NEEDS: Needs = Needs::Caller;
}

impl Argument for Administrator {
    const NEEDS: Needs = Needs::Administrator;
}

impl Argument for Worker {
    const NEEDS: Needs = Needs::WorkerKey;
}

macro_rules! need_nothing {
    ($($name:ident $(<$generic:ident>)?;)*) => {$(
        impl $(<$generic>)? Argument for $name$(<$generic>)? {
            const NEEDS: Needs = Needs::Nothing;
        }
    )*};
}

need_nothing! {
    State;
    From;
    Listing;
    Target;
    Asked<T>;
    Body<T>;
    Extension<T>;
}

/// A function whose arguments all say what they need.
pub trait Handler<Arguments> {
    const NEEDS: Needs;
}

macro_rules! handlers {
    ($([$($argument:ident)*])*) => {$(
        impl<F, R, $($argument: Argument),*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R,
        {
            const NEEDS: Needs = Needs::Nothing $(.and($argument::NEEDS))*;
        }
    )*};
}

handlers! { [] [A] [A B] [A B C] [A B C D] [A B C D E] [A B C D E G] }

/// What a handler needs.
pub const fn needs_of<A, H: Handler<A>>(_: &H) -> Needs {
    H::NEEDS
}

/// Writes down what each of the routes needs.
pub fn declare<S>(
    mut routes: UtoipaMethodRouter<S>,
    all: &[(Vec<HttpMethod>, Needs)],
) -> UtoipaMethodRouter<S> {
    for item in routes.1.paths.values_mut() {
        for (method, needs) in all.iter().flat_map(|(methods, needs)| methods.iter().map(move |m| (m, needs)))
        {
            if let Some(operation) = operation(item, method) {
                let said = ExtensionsBuilder::new().add(MEMBER, needs.as_str()).build();
                operation.extensions.get_or_insert_default().merge(said);
            }
        }
    }
    routes
}

fn operation<'i>(item: &'i mut PathItem, method: &HttpMethod) -> &'i mut Option<Operation> {
    match method {
        HttpMethod::Get => &mut item.get,
        HttpMethod::Post => &mut item.post,
        HttpMethod::Put => &mut item.put,
        HttpMethod::Delete => &mut item.delete,
        HttpMethod::Options => &mut item.options,
        HttpMethod::Head => &mut item.head,
        HttpMethod::Patch => &mut item.patch,
        HttpMethod::Trace => &mut item.trace,
    }
}

/// Routes of one path, by their handlers, with what each needs: `routes!(list, create)`.
macro_rules! routes {
    ($($handler:ident),+ $(,)?) => {
        utoipa_axum::paste! {
            $crate::server::routes::declared::declare(
                utoipa_axum::routes!($($handler),+),
                &[$((
                    <[<__path_ $handler>] as utoipa::Path>::methods(),
                    $crate::server::routes::declared::needs_of(&$handler),
                )),+],
            )
        }
    };
}
pub(super) use routes;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::role::{ManageNodes, ViewNodes};

    async fn nobody() {}
    async fn anybody(_: Caller) {}
    async fn one(_: State, _: May<ManageNodes>, _: Body<()>) {}
    async fn other(_: Caller, _: May<ViewNodes>) {}

    #[test]
    fn a_handler_needs_what_its_arguments_say() {
        assert_eq!(needs_of(&nobody), Needs::Nothing);
        assert_eq!(needs_of(&anybody), Needs::Caller);
        assert_eq!(needs_of(&one), Needs::Permission("manage_nodes"));
        assert_eq!(needs_of(&other), Needs::Permission("view_nodes"));
    }
}
