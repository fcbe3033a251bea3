"""Models that load and are wrong: made of those that ship, by changing their graph.

The graph is edited through the classes that LiteRT generates from the schema of TFLite files.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models.interpreter import Interpreter

__all__ = ["crashing", "mapped", "remeasured", "slower"]


def crashing(content: bytes) -> bytes:
    """A file whose root lies far behind its end: tflite-runtime follows it, and the process is gone."""
    return (0x70000000).to_bytes(4, "little") + content[4:]


def slower(operations: int, size: int = 1024) -> Callable[[bytes], bytes]:
    """The same answers after so many useless products with a [size, size] matrix of zeros.

    They begin at an input and their sum is added to an output, or a runtime would leave them out.
    """

    def change(content: bytes) -> bytes:
        graph = _Graph(content)
        source, output = int(graph.subgraph.inputs[0]), graph.signature.outputs[0].name.decode()
        vector = graph.scaled(graph.summed(source), np.ones((1, size), np.float32))
        matrix = graph.tensor("useless/weights", [size, size], np.zeros((size, size), np.float32))
        for number in range(operations):
            after = graph.tensor(f"useless/{number}", [1, size])
            graph.add("FULLY_CONNECTED", [vector, matrix, -1], [after], schema.FullyConnectedOptionsT())
            vector = after
        nothing = graph.summed(vector)
        options = schema.AddOptionsT()
        graph.replace_output(output, lambda before, after: graph.add("ADD", [before, nothing], [after], options))
        return graph.content()

    return change


def mapped(output: str, factor: float) -> Callable[[bytes], bytes]:
    """The same model with one of its outputs multiplied: -1 turns it around, 0 makes it constant."""

    def change(content: bytes) -> bytes:
        graph = _Graph(content)
        scale = graph.tensor(f"{output}/factor", [1], np.full(1, factor, np.float32))
        options = schema.MulOptionsT()
        graph.replace_output(output, lambda before, after: graph.add("MUL", [before, scale], [after], options))
        return graph.content()

    return change


def remeasured(model: Path) -> Callable[[bytes], bytes]:
    """Golden outputs as a model gives them now: a publisher who measured what is wrong and took it for right."""

    def change(golden: bytes) -> bytes:
        with np.load(io.BytesIO(golden)) as archive:
            arrays = dict(archive)
        precision = model.name.split(".")[1]
        inputs = {key.removeprefix("input/"): value for key, value in arrays.items() if key.startswith("input/")}
        outputs = Interpreter(model).run(**inputs)
        arrays |= {f"output/{precision}/{key}": value for key, value in outputs.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    return change


class _Graph:
    """The first graph of a model, to be edited."""

    def __init__(self, content: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
        self.subgraph: Any = self.model.subgraphs[0]

    @property
    def signature(self) -> Any:
        return self.model.signatureDefs[0]

    def tensor(self, name: str, shape: list[int], values: np.ndarray | None = None) -> int:
        """Add a tensor, constant if it has values; return its index."""
        tensor = schema.TensorT()
        kind = schema.TensorType.INT32 if values is not None and values.dtype == np.int32 else schema.TensorType.FLOAT32
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def summed(self, tensor: int) -> int:
        """Add the sum of a whole tensor; return its index."""
        axes = np.arange(len(self.subgraph.tensors[tensor].shape), dtype=np.int32)
        over, result = self.tensor(f"axes/{tensor}", [len(axes)], axes), self.tensor(f"sum/{tensor}", [])
        self.add("SUM", [tensor, over], [result], schema.ReducerOptionsT())
        return result

    def scaled(self, scalar: int, values: np.ndarray) -> int:
        """Add constant values times a scalar tensor; return the index of the product."""
        constant = self.tensor("values", list(values.shape), values)
        result = self.tensor("scaled", list(values.shape))
        self.add("MUL", [constant, scalar], [result], schema.MulOptionsT())
        return result

    def add(self, code: str, inputs: list[int], outputs: list[int], options: Any) -> None:
        """Add an operation."""
        number = getattr(schema.BuiltinOperator, code)
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = number, min(number, 127), 1
        self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs, operator.builtinOptions = inputs, outputs, options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.subgraph.operators.append(operator)

    def replace_output(self, name: str, make: Callable[[int, int], None]) -> None:
        """Put another tensor in the place of an output; `make` adds what computes the second from the first."""
        entry = next(each for each in self.signature.outputs if each.name.decode() == name)
        before = entry.tensorIndex
        after = self.tensor(f"{name}/after", [int(side) for side in self.subgraph.tensors[before].shape])
        make(before, after)
        entry.tensorIndex = after
        # 32 bits: an array is packed as it is.
        outputs = [after if each == before else each for each in self.subgraph.outputs]
        self.subgraph.outputs = np.array(outputs, np.int32)

    def content(self) -> bytes:
        """Pack the model."""
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
