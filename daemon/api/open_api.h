#pragma once

#include <string_view>

namespace runnerwatch {

// What the API takes and gives, as an OpenAPI 3.1 document (daemon/api/openapi.json, embedded).
extern const std::string_view open_api_document;

}  // namespace runnerwatch
