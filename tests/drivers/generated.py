"""Clients made from the WSDL of AsyncChannel by zeep and suds: each builds, serialises and reads by its own types."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import suds
import suds.client
import suds.plugin
import zeep
import zeep.exceptions
import zeep.transports
from lxml import etree

from carriage import Carriage
from case_zeep import Warnings
from envelope import K

ITYPES = "http://bip.bee.kz/AsyncChannel/v10/ITypes"
COMMON = "http://bip.bee.kz/common/v10/Types"


@dataclass(frozen=True)
class Request:
    """A message of an initiator, as one asks for it; ids that ШЭП fills in may be left out."""

    sender_id: str
    password: str
    date: datetime
    fields: dict[str, str | None]
    message_id: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The answer to a message, as the client's own types tell it."""

    message_id: str
    correlation_id: str
    date: datetime


class Refused(Exception):
    """A fault; `code` as the client's own type of its detail tells it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


class Generated(Protocol):
    """What the cases need of a client."""

    carriage: Carriage

    def operations(self) -> set[str]:
        """Names of the operations that it offers."""

    def takes(self, receive_status: str) -> bool:
        """Whether this word is one of receiveStatus for it."""

    def push(self, request: Request) -> Receipt:
        """Calls sendMessage; raises Refused."""

    def notify(self, message_id: str, state: str, date: datetime) -> datetime:
        """Calls changeMassageStatusNotification; when it was heard."""


@contextmanager
def no_warnings() -> Iterator[None]:
    """Fails on any warning, of the warnings module or of a logger."""
    collected = Warnings()
    logging.getLogger().addHandler(collected)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        logging.getLogger().removeHandler(collected)
    assert not collected.texts, f"it warns: {collected.texts}"


class _Transport(zeep.transports.Transport):
    carriage: Carriage

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        came = super().post(address, self.carriage.outgoing(message), headers)
        return _Came(came.status_code, came.headers, self.carriage.incoming(came.content))


@dataclass(frozen=True)
class _Came:
    """Of an answer, what zeep looks at."""

    status_code: int
    headers: Any
    content: bytes
    encoding: str = "utf-8"


class Zeep:
    """A client made by zeep."""

    def __init__(self, wsdl: str, carriage: Carriage, to: str | None = None) -> None:
        """`to`: another address than the WSDL has."""
        self.carriage = carriage
        transport = _Transport(timeout=30, operation_timeout=30)
        transport.carriage = carriage
        self._client = zeep.Client(wsdl, transport=transport, settings=zeep.Settings(strict=True))
        self._service = self._client.service
        if to is not None:
            self._service = self._client.create_service(self._service._binding.name, to)

    def operations(self) -> set[str]:
        return set(self._service._binding._operations)

    def takes(self, receive_status: str) -> bool:
        # zeep has types for enumerations, but not their words: the schema that it loaded has them.
        documents = self._client.wsdl.types.documents
        path = f"//*[@name='receiveStatus']//*[local-name()='enumeration' and @value='{receive_status}']"
        loaded = [str(each._location) for each in documents if each._target_namespace == COMMON]
        assert self._client.get_type(f"{{{COMMON}}}DeliveryStatusInfo") is not None and loaded, "no DeliveryStatusInfo"
        texts = [self._client.transport.load(url) for url in loaded]
        return any(etree.fromstring(text).xpath(path) for text in texts)

    def push(self, request: Request) -> Receipt:
        payload = self._client.get_type(f"{{{K}}}getUserDataRequest")(**request.fields)
        info = {
            "messageId": request.message_id,
            "correlationId": request.correlation_id,
            "serviceId": "KDP_SERVICE",
            "messageType": "REQUEST",
            "messageDate": request.date,
            "sender": {"senderId": request.sender_id, "password": request.password},
        }
        with self._refusals():
            came = self._service.sendMessage(request={"messageInfo": info, "messageData": {"data": payload}})
        return Receipt(came.messageId, came.correlationId, came.responseDate)

    def notify(self, message_id: str, state: str, date: datetime) -> datetime:
        notification = {
            "notificationId": f"notification of {message_id}",
            "messageId": message_id,
            "notificationDate": date,
            "messageState": state,
            "status": {},
        }
        with self._refusals():
            told = {"notification": notification, "requestDate": date}
            return self._service.changeMassageStatusNotification(request=told).responseDate

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except zeep.exceptions.Fault as fault:
            detail = fault.detail[0]
            told = self._client.get_element(detail.tag).parse(detail, self._client.wsdl.types)
            raise Refused(told.errorCode, told.errorMessage) from fault


class _Plugin(suds.plugin.MessagePlugin):
    def __init__(self, carriage: Carriage) -> None:
        self._carriage = carriage

    def sending(self, context: Any) -> None:
        context.envelope = self._carriage.outgoing(context.envelope)

    def received(self, context: Any) -> None:
        context.reply = self._carriage.incoming(context.reply)


class Suds:
    """A client made by suds."""

    def __init__(self, wsdl: str, carriage: Carriage, to: str | None = None) -> None:
        """As `Zeep`."""
        self.carriage = carriage
        elsewhere = {} if to is None else {"location": to}
        # Its cache lies in a folder that all processes share.
        self._client = suds.client.Client(wsdl, cache=None, timeout=30, plugins=[_Plugin(carriage)], **elsewhere)

    def operations(self) -> set[str]:
        return set(self._client.wsdl.services[0].ports[0].methods)

    def takes(self, receive_status: str) -> bool:
        element = self._client.factory.resolver.find(f"{{{COMMON}}}DeliveryStatusInfo.receiveStatus")
        return receive_status in [each.name for each, _ in element.children() if each.enum()]

    def push(self, request: Request) -> Receipt:
        make = self._client.factory.create
        message = make(f"{{{ITYPES}}}AsyncSendMessageRequest")
        info = message.messageInfo
        info.messageId, info.correlationId = request.message_id, request.correlation_id
        info.serviceId, info.messageDate = "KDP_SERVICE", request.date
        info.messageType = make(f"{{{ITYPES}}}MessageType").REQUEST
        info.sender.senderId, info.sender.password = request.sender_id, request.password
        message.messageData.data = make(f"{{{K}}}getUserDataRequest")
        for name, text in request.fields.items():
            message.messageData.data[name] = text
        came = self._call("sendMessage", message)
        return Receipt(str(came.messageId), str(came.correlationId), came.responseDate)

    def notify(self, message_id: str, state: str, date: datetime) -> datetime:
        make = self._client.factory.create
        told = make(f"{{{ITYPES}}}AsyncChangeStatusNotifyRequest")
        told.requestDate = told.notification.notificationDate = date
        told.notification.notificationId = f"notification of {message_id}"
        told.notification.messageId = message_id
        told.notification.messageState = make(f"{{{COMMON}}}MessageState")[state]
        told.notification.error = None
        return self._call("changeMassageStatusNotification", told).responseDate

    def _call(self, operation: str, request: Any) -> Any:
        try:
            return self._client.service[0][operation](request)
        except suds.WebFault as fault:
            told = getattr(fault.fault.detail, f"{operation}Fault1_{operation}Fault")
            raise Refused(str(told.errorCode), str(told.errorMessage)) from fault
