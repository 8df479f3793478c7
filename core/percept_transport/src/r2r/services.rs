//! Services: r2r knows them by type alone, so each type that the node offers is named here once, and rmw's own
//! serialization turns its requests and responses into CDR and back.

use super::spin::{Tap, ready};
use super::{RosLog, Severity};
use crate::{RawRequest, RequestInbox};
use ::r2r::{Node, QosProfile, Result, ServiceRequest, WrappedServiceTypeSupport, WrappedTypesupport};
use futures_core::Stream;

/// Offers a service of one type: what arrives goes to the inbox.
pub(super) type Open = fn(&mut Node, &str, RequestInbox, RosLog) -> Result<Box<dyn Tap>>;

/// What opens a service of this type; `None` where the type is not built in.
pub(super) fn opener(type_name: &str) -> Option<Open> {
    macro_rules! known {
        ($($package:ident / srv / $service:ident),+ $(,)?) => {
            match type_name {
                $(concat!(stringify!($package), "/srv/", stringify!($service)) => {
                    Some(open::<::r2r::$package::srv::$service::Service>)
                })+
                _ => None,
            }
        };
    }
    known!(
        lifecycle_msgs / srv / ChangeState,
        lifecycle_msgs / srv / GetState,
        lifecycle_msgs / srv / GetAvailableStates,
        lifecycle_msgs / srv / GetAvailableTransitions,
        rcl_interfaces / srv / DescribeParameters,
        rcl_interfaces / srv / GetParameters,
        rcl_interfaces / srv / GetParameterTypes,
        rcl_interfaces / srv / ListParameters,
        rcl_interfaces / srv / SetParameters,
        rcl_interfaces / srv / SetParametersAtomically,
    )
}

fn open<T: WrappedServiceTypeSupport + 'static>(
    node: &mut Node,
    name: &str,
    inbox: RequestInbox,
    log: RosLog,
) -> Result<Box<dyn Tap>> {
    let requests = node.create_service::<T>(name, QosProfile::services_default())?;
    Ok(Box::new(Offered { requests, service: name.to_owned(), inbox, log }))
}

struct Offered<S> {
    requests: S,
    service: String,
    inbox: RequestInbox,
    log: RosLog,
}

impl<T, S> Tap for Offered<S>
where
    T: WrappedServiceTypeSupport + 'static,
    S: Stream<Item = ServiceRequest<T>> + Unpin + Send,
{
    fn drain(&mut self) {
        while let Some(request) = ready(&mut self.requests) {
            let bytes = match request.message.to_serialized_bytes() {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.log.write(Severity::Warn, &format!("a request of {} is unreadable: {error}", self.service));
                    continue;
                }
            };
            let (service, log) = (self.service.clone(), self.log.clone());
            let reply = Box::new(move |response: Vec<u8>| {
                // A caller that has gone away needs no answer; everything else is a fault worth a line.
                let sent = T::Response::from_serialized_bytes(&response).and_then(|response| request.respond(response));
                if let Err(error) = sent {
                    log.write(Severity::Warn, &format!("a response of {service} was not sent: {error}"));
                }
            });
            if !self.inbox.deliver(RawRequest { bytes, reply }) {
                let text = format!("too many requests of {} wait; one was let fall", self.service);
                self.log.write(Severity::Warn, &text);
            }
        }
    }
}
