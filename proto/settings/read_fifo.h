// Reader of [control]'s key `fifo`. Internal to proto/settings.
#pragma once

#include "proto/settings/table.h"

namespace weir::proto::settings {

void read_fifo(Table& control, FifoSettings& fifo);

}  // namespace weir::proto::settings
