// The OpenAPI document (src/rest/openapi.yaml), compiled into the binary.
#pragma once
#include <string>

namespace zvonok::app {

[[nodiscard]] std::string openapi_document();

}  // namespace zvonok::app
