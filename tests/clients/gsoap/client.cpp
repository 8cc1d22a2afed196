// KDP_SERVICE by what wsdl2h and soapcpp2 of gSOAP make of the WSDL: its operation, and the second wrapper.

#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "SyncChannelHttpBinding.nsmap"
#include "soapSecondWrapperProxy.h"
#include "soapSyncChannelHttpBindingProxy.h"

static std::map<std::string, std::string> given;

static std::string *optional(struct soap *soap, const char *name) {
    auto found = given.find(name);
    if (found == given.end())
        return nullptr;
    std::string *text = soap_new_std__string(soap);
    *text = found->second;
    return text;
}

static xsd__dateTime date(struct soap *soap) {
    xsd__dateTime at;
    if (soap_s2xsd__dateTime(soap, given["messageDate"].c_str(), &at))
        throw std::string("messageDate is none");
    return at;
}

static ns3__getUserDataRequest *payload(struct soap *soap) {
    auto *data = soap_new_ns3__getUserDataRequest(soap);
    data->uin = given["data.uin"];
    data->company = optional(soap, "data.company");
    data->company_USCOREbin = given["data.company_bin"];
    data->company_USCOREresponsible = optional(soap, "data.company_responsible");
    data->employee_USCOREname = optional(soap, "data.employee_name");
    data->access_USCOREname = optional(soap, "data.access_name");
    data->personal_USCOREdata_USCOREname = optional(soap, "data.personal_data_name");
    data->expiresIn = optional(soap, "data.expiresIn");
    data->ovt = optional(soap, "data.ovt");
    data->method = optional(soap, "data.method");
    if (given.count("data.omit-sms")) {
        data->omit_sms = static_cast<bool *>(soap_malloc(soap, sizeof(bool)));
        *data->omit_sms = given["data.omit-sms"] == "true";
    }
    if (given.count("data.lang")) {
        soap_s2_ns3__getUserDataRequest_lang(soap, given["data.lang"].c_str(),
            data->lang = soap_new__ns3__getUserDataRequest_lang(soap));
    }
    return data;
}

static void tell(const char *name, const std::string &text) {
    std::cout << name << '=' << text << '\n';
}

static void tell(const char *name, const std::string *text) {
    if (text)
        tell(name, *text);
}

static void tell(struct soap *soap, const ns3__getUserDataResponse &data) {
    tell("data.status", data.status);
    tell("data.code", data.code);
    if (data.public_key)
        tell("data.public-key", soap_s2base64(soap, data.public_key->__ptr, nullptr, data.public_key->__size));
    tell("data.request_id", data.request_USCOREid);
    tell("data.reason", data.reason);
    tell("data.reason_text", data.reason_USCOREtext);
    tell("data.poll_after", data.poll_USCOREafter);
    if (data.expires_USCOREat)
        tell("data.expires_at", soap_xsd__dateTime2s(soap, *data.expires_USCOREat));
    tell("data.decision_id", data.decision_USCOREid);
}

static int tell_fault(struct soap *soap) {
    const struct SOAP_ENV__Detail *detail = soap->fault ? soap->fault->detail : nullptr;
    if (!detail || !detail->ns2__SendMessageFault1_USCORESendMessageFault) {
        soap_stream_fault(soap, std::cerr);
        return 1;
    }
    const ns8__ErrorInfo *error = detail->ns2__SendMessageFault1_USCORESendMessageFault;
    tell("fault.faultstring", soap->fault->faultstring);
    tell("fault.errorCode", error->errorCode);
    tell("fault.errorMessage", error->errorMessage);
    tell("fault.errorData", error->errorData);
    tell("fault.errorDate", soap_xsd__dateTime2s(soap, error->errorDate));
    tell("fault.sessionId", error->sessionId);
    return 0;
}

static int by_operation(struct soap *soap) {
    SyncChannelHttpBindingProxy proxy(soap, given["address"].c_str());
    auto *sender = soap_new_req_ns8__SenderInfo(soap, given["senderId"]);
    sender->password = optional(soap, "password");
    auto *info = soap_new_req_ns6__RequestInfo(soap, given["messageId"], given["serviceId"], date(soap), sender);
    auto *data = soap_new_ns6__RequestData(soap);
    // It is derived of anyType, so that its xsi:type is written.
    data->data = payload(soap);
    auto *message = soap_new_req_ns2__SendMessage(soap, soap_new_req_ns6__SyncRequest(soap, info, data));
    ns2__SendMessageResponse answer;
    if (proxy.SendMessage(message, answer))
        return tell_fault(soap);
    tell("info.code", answer.response->responseInfo->status->code);
    tell("info.message", answer.response->responseInfo->status->message);
    // anyType without xsi:type comes as text; its type is the caller's knowledge.
    std::istringstream came("<data>" + std::string(answer.response->responseData->data->__item) + "</data>");
    ns3__getUserDataResponse decision;
    soap->is = &came;
    if (soap_read_ns3__getUserDataResponse(soap, &decision))
        return tell_fault(soap);
    tell(soap, decision);
    return 0;
}

static int by_element(struct soap *soap) {
    SecondWrapperProxy proxy(soap, given["address"].c_str());
    auto *sender = soap_new_req_ns3__SenderInfo(soap, given["senderId"]);
    sender->password = optional(soap, "password");
    auto *info = soap_new_req_ns3__RequestInfo(soap, given["messageId"], given["serviceId"], date(soap), sender);
    auto *data = soap_new_req_ns3__RequestData(soap, payload(soap));
    auto *message = soap_new_req_ns3__sendMessageRequest(soap, soap_new_req_ns3__Request(soap, info, data));
    ns3__sendMessageResponse answer;
    if (proxy.sendMessageRequest(message, answer))
        return tell_fault(soap);
    // An enumeration of the schema.
    tell("info.code", soap__ns3__StatusInfo_code2s(soap, answer.response->responseInfo->status->code));
    tell("info.message", answer.response->responseInfo->status->message);
    tell(soap, *answer.response->responseData->data);
    return 0;
}

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        auto at = line.find('=');
        given[line.substr(0, at)] = line.substr(at + 1);
    }
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING | SOAP_XML_TREE);
    int code = given["wrapper"] == "kdp" ? by_element(soap) : by_operation(soap);
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return code;
}
