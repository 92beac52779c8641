// Boost.JSON's own code, compiled once for the whole program; everybody else includes <boost/json.hpp>.
#include <boost/json/src.hpp>
