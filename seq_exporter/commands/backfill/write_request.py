"""Remote write 1.0 on the wire: `prometheus.WriteRequest` of protobuf, in a block of snappy.

Its source is https://prometheus.io/docs/specs/prw/remote_write_spec/. Prometheus accepts 1.0 in
every version that has a receiver, and 2.0 only in newer ones. The message is small enough to be
described here: code that protoc generates would have to match the installed protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cramjam
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

# Those of its fields that are sent;
# https://github.com/prometheus/prometheus/blob/main/prompb/types.proto has them all.
_DESCRIPTION = """
name: "remote.proto" package: "prometheus" syntax: "proto3"
message_type { name: "Label"
  field { number: 1 name: "name" label: LABEL_OPTIONAL type: TYPE_STRING }
  field { number: 2 name: "value" label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type { name: "Sample"
  field { number: 1 name: "value" label: LABEL_OPTIONAL type: TYPE_DOUBLE }
  field { number: 2 name: "timestamp" label: LABEL_OPTIONAL type: TYPE_INT64 }
}
message_type { name: "TimeSeries"
  field { number: 1 name: "labels" label: LABEL_REPEATED type_name: ".prometheus.Label" }
  field { number: 2 name: "samples" label: LABEL_REPEATED type_name: ".prometheus.Sample" }
}
message_type { name: "WriteRequest"
  field { number: 1 name: "timeseries" label: LABEL_REPEATED type_name: ".prometheus.TimeSeries" }
}
"""

#: Measured with Prometheus 2.42 and VictoriaMetrics 1.79: with 500, writing takes up to three times
#: as long; with 50,000 it is not faster, costs memory, and comes near the limits of receivers.
MOST_SAMPLES = 10_000


class TimeSeries(NamedTuple):
    """A series and its samples: (milliseconds since the epoch, value), in order of time.

    The name of the metric is the label `__name__`.
    """

    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float]]


def encode_request(series: Sequence[TimeSeries]) -> bytes:
    """Return the body of a request that writes `series`."""
    request = _WriteRequest(
        timeseries=[
            {
                # A receiver may refuse labels that are not in order, or see a new series in them.
                "labels": [
                    {"name": name, "value": one.labels[name]} for name in sorted(one.labels)
                ],
                "samples": [{"timestamp": time, "value": value} for time, value in one.samples],
            }
            for one in series
        ]
    )
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def batch(
    series: Iterable[TimeSeries], most_samples: int = MOST_SAMPLES
) -> Iterator[list[TimeSeries]]:
    """Divide `series`, as they come, into requests of at most so many samples.

    A series with more samples is divided, in order of time; a series without samples is left out.
    """
    if most_samples < 1:
        raise ValueError("a request holds at least one sample")
    request: list[TimeSeries] = []
    room = most_samples
    for labels, samples in series:
        start = 0
        while start < len(samples):
            part = samples[start : start + room]
            request.append(TimeSeries(labels, part))
            start += len(part)
            room -= len(part)
            if not room:
                yield request
                request, room = [], most_samples
    if request:
        yield request


def _build_message() -> type[Message]:
    # A pool of its own: in the common one it would collide with another library's description.
    pool = DescriptorPool()
    pool.Add(text_format.Parse(_DESCRIPTION, FileDescriptorProto()))
    return GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


_WriteRequest = _build_message()
