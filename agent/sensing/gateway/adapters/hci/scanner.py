"""bleak's scanner over a `Radio`."""

from __future__ import annotations

from typing import Final

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement

from agent.sensing.gateway.adapters.hci.radio import Radio

__all__ = ["HciScanner", "advertisement_data", "uuid_text"]

_Type = AdvertisingData.Type
_SERVICE_LISTS: Final = (
    _Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    _Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    _Type.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS,
    _Type.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS,
    _Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    _Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
_SERVICE_DATA: Final = (
    _Type.SERVICE_DATA_16_BIT_UUID,
    _Type.SERVICE_DATA_32_BIT_UUID,
    _Type.SERVICE_DATA_128_BIT_UUID,
)


def uuid_text(uuid: UUID) -> str:
    """A UUID as bleak writes it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


def advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    """What an advertisement says, in bleak's words. A part that is malformed is left out."""
    data = advertisement.data
    services = [uuid_text(uuid) for kind in _SERVICE_LISTS for uuids in data.get_all(kind) for uuid in uuids]
    power = advertisement.tx_power
    return AdvertisementData(
        local_name=data.get(_Type.COMPLETE_LOCAL_NAME) or data.get(_Type.SHORTENED_LOCAL_NAME),
        manufacturer_data=dict(data.get_all(_Type.MANUFACTURER_SPECIFIC_DATA)),
        service_data={uuid_text(uuid): payload for kind in _SERVICE_DATA for uuid, payload in data.get_all(kind)},
        service_uuids=list(dict.fromkeys(services)),
        tx_power=None if power == Advertisement.TX_POWER_NOT_AVAILABLE else power,
        rssi=advertisement.rssi,
        platform_data=(),
    )


class HciScanner(BaseBleakScanner):
    """Scans with a radio. Built by `bleak.BleakScanner`, which passes what the base class asks for.

    Args:
        radio: the controller to scan with.
    """

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        radio: Radio,
        **_others: object,
    ) -> None:
        del scanning_mode  # always active: names of wearables stand in the scan response
        super().__init__(detection_callback, service_uuids)
        self._radio = radio

    def _hear(self, advertisement: Advertisement) -> None:
        content = advertisement_data(advertisement)
        address = advertisement.address.to_string(False)
        known = self.seen_devices.get(address)
        # A name that was heard once holds: not every packet carries it.
        name = content.local_name or (known[0].name if known else None)
        device = self.create_or_update_device(address, address, name, {"address": advertisement.address}, content)
        if self.is_allowed_uuid(content.service_uuids):
            self.call_detection_callbacks(device, content)

    async def start(self) -> None:
        """Start scanning.

        Raises:
            BleakError: the controller is gone or refuses.
            TimeoutError: it does not answer.
        """
        self.seen_devices = {}
        await self._radio.listen(self._hear)

    async def stop(self) -> None:
        """Stop scanning."""
        await self._radio.ignore(self._hear)
