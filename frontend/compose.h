// Composition: one component out of an app and others that are plugged into it. An import of the app that a plug
// exports (by semver-compatible name, or by what it `implements`) is filled with that export, and so are the imports of
// plugs; what nobody exports stays an import of the result, one for all that are compatible. The result exports what
// the app exports, and the plugs' instances whose types those exports mention.
//
// Each plug is instantiated once. The first plug of the list that has an export fills an import of the app; an import
// of a plug is looked for in the plugs behind it first, so that --plug filter --plug server chains the two. A plug that
// fills nothing is an error, and so are plugs that need each other in a circle.
//
// The parts go into the result as the bytes that they are; whether types fit is for the validator to say
// (decode_component). Callers: tools/compose.cpp, tools/run.cpp. Pure function, any thread. Test:
// test/unit/compose_test.cpp, test/lit/compose.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/component.h"

namespace wjit {

struct ComposePart {
  std::string name;  // for messages: a path
  std::shared_ptr<const Component> component;
};

struct Composition {
  Bytes bytes;
  // What may surprise: an import that nobody fills, where a plug exports something of a similar name.
  std::vector<std::string> notes;
};

Result<Composition> compose(const ComposePart& app, std::span<const ComposePart> plugs);

}  // namespace wjit
