#pragma once

#include "alerts/delivery.h"
#include "alerts/message.h"

#include <string>

namespace runnerwatch {

// The generic webhook: Standard Webhooks 1.0 and CloudEvents 1.0 (binary mode) at once.
//
// `webhook-id` is the delivery key: it stays the same over retries, so a receiver may drop what
// it has seen. With a secret ("whsec_…") the body is signed (HMAC-SHA256 over id.timestamp.body).
struct WebhookTarget {
    std::string url;
    std::string secret;  // empty: unsigned
};

DeliveryRequest webhook_request(const Message& message, const WebhookTarget& target);

// "incident.opened", "incident.resolved", "digest.start", "digest.daily" …
std::string webhook_event_type(const Message& message);

}  // namespace runnerwatch
