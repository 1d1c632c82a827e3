"""The base of every execution algorithm: each child order asks at the door as well."""

from functools import partial
from typing import Any, Self, final, override

from nautilus_trader import trading  # noqa: TID251 - engine is the room that may
from nautilus_trader.model import ClientId, ExecAlgorithmId, PositionId

from engine.door import Door
from engine.sealed import refuse_broken_seals, refuse_unknown_hooks
from engine.turns import Turns


class ExecutionAlgorithm(trading.ExecutionAlgorithm):
    """Subclass this, give it an `algorithm_id`, write `on_order`."""

    algorithm_id: ExecAlgorithmId

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_broken_seals(cls)
        refuse_unknown_hooks(cls, trading.ExecutionAlgorithm)

    @final
    def __new__(cls, door: Door) -> Self:
        config = trading.ExecutionAlgorithmConfig(exec_algorithm_id=cls.algorithm_id)
        return super().__new__(cls, config)  # type: ignore[call-arg]  # the stub has no __new__

    @final
    def __init__(self, door: Door) -> None:
        super().__init__()
        self.__door = door
        self.__turns = Turns(on_fault=partial(door.close_for, self.algorithm_id))
        self.__turns.hold(self, trading.ExecutionAlgorithm)

    @final
    @override
    def submit_order(
        self,
        order: Any,
        position_id: PositionId | None = None,
        client_id: ClientId | None = None,
    ) -> None:
        # Spawning shrinks the primary in the cache only; the object at hand keeps its first size.
        current = (self.cache and self.cache.order(order.client_order_id)) or order
        if reason := self.__door.refusal(current):
            self.deny_order(current, reason)
        else:
            super().submit_order(current, position_id, client_id)
            self.__door.wake()
