//! The server: connections of this machine, to Athena's API and to the results.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use carelake_lake::{FolderCatalog, Lake};
use carelake_sql::session::memory_of;
use carelake_sql::views::Views;
use chrono::{DateTime, Utc};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::api::{PREFIX, Shared, answer};
use crate::bucket;
use crate::engine::Engine;
use crate::error::Fault;
use crate::execution::Executions;
use crate::http::{Connection, Request, Response, Unread};
use crate::prepared::Statements;

/// Connections at once, at most.
const CONNECTIONS: usize = 512;

/// What queries may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of memory that sorts, groups and joins of all queries may hold together.
    pub memory: usize,
    /// Minutes that a query may run.
    pub minutes: u64,
    /// Queries that run at once; others wait.
    pub at_once: usize,
    /// Bytes of a result, at most.
    pub result: u64,
}

/// How a lake is served.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Whether the workgroup that may see names is served.
    pub restricted: bool,
    /// What queries may take.
    pub limits: Limits,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
}

/// A server that has its port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Takes the port and opens the lake.
    ///
    /// # Errors
    /// When the port is taken, or the lake cannot hold results.
    pub async fn bind(lake: Lake, views: &Views, settings: &Settings) -> Result<Self, String> {
        let words = |error: std::io::Error| {
            format!("port {} cannot be taken: {error}; choose another with --port", settings.port)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await.map_err(words)?;
        let address = listener.local_addr().map_err(words)?;
        bucket::check(&lake).map_err(|error| error.to_string())?;
        let runtime = memory_of(&lake, settings.limits.memory).map_err(|error| carelake_tables::explain(&error))?;
        let engine = Engine {
            catalog: FolderCatalog::new(&lake),
            lake,
            runtime,
            statements: Statements::of(views, (settings.clock)()),
            largest: settings.limits.result,
            clock: settings.clock,
        };
        let shared = Shared {
            engine,
            executions: Executions::default(),
            slots: Semaphore::new(settings.limits.at_once.max(1)),
            limits: settings.limits,
            restricted: settings.restricted,
        };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let connections = async {
            loop {
                let Ok(place) = room.clone().acquire_owned().await else { return };
                // A connection that failed before it was taken is the client's matter.
                let Ok((stream, _)) = self.listener.accept().await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let (shared, port) = (self.shared.clone(), self.address.port());
                tokio::spawn(async move {
                    converse(stream, shared, port).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            () = connections => {}
            () = stop => {}
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>, port: u16) {
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    loop {
        match connection.read().await {
            Ok(request) => {
                let ends = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                let response = respond(&shared, port, request).await;
                if connection.write(response).await.is_err() || ends {
                    return;
                }
            }
            Err(Unread::Refused(response)) => {
                if connection.write(response).await.is_ok() {
                    connection.end().await;
                }
                return;
            }
            Err(Unread::Closed) => return,
        }
    }
}

async fn respond(shared: &Arc<Shared>, port: u16, request: Request) -> Response {
    if !is_of_this_machine(&request, port) {
        return Response::new(403, "text/plain", "only clients on this machine are answered, no browser");
    }
    let Some(operation) = request.header("x-amz-target") else {
        return bucket::answer(&shared.executions, &request);
    };
    let answered = match operation.strip_prefix(PREFIX) {
        Some(operation) => answer(shared, operation, &request.body).await,
        None => Err(Fault::UnknownOperation("only operations of AmazonAthena are answered".to_owned())),
    };
    let (status, body) = match answered {
        Ok(body) => (200, body),
        Err(fault) => fault.answer(),
    };
    let mut response = Response::new(status, "application/x-amz-json-1.1", body.to_string());
    response.headers.push(("x-amzn-RequestId", Uuid::new_v4().to_string()));
    response
}

/// A page in a browser can reach this machine's ports, under a name of its own too: it tells its origin, or that name.
fn is_of_this_machine(request: &Request, port: u16) -> bool {
    let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let host = request.header("host").unwrap_or_default();
    request.header("origin").is_none() && names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_browsers_are_not_answered() {
        let of = |headers: &[(&str, &str)]| Request {
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Request::default()
        };
        assert!(is_of_this_machine(&of(&[("host", "127.0.0.1:8765")]), 8765));
        assert!(is_of_this_machine(&of(&[("host", "LOCALHOST:8765")]), 8765));
        for headers in [
            &[][..],
            &[("host", "evil.example:8765")],
            &[("host", "127.0.0.1:1")],
            &[("host", "127.0.0.1:8765"), ("origin", "http://evil.example")],
        ] {
            assert!(!is_of_this_machine(&of(headers), 8765), "{headers:?}");
        }
    }
}
