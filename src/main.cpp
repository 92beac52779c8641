#include "app/cli/cli.h"

int main(int argc, char** argv) {
  return zvonok::app::run_cli(argc, argv);
}
