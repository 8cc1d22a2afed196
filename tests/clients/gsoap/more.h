// What the WSDL does not say, appended to what wsdl2h made of it.

// Answers carry wsse:Security with mustUnderstand, which is refused unless it is declared; its verifier gets it as text.
//gsoap wsse schema namespace:	http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd
//gsoap wsse schema form:	qualified
mutable struct SOAP_ENV__Header
{
    _XML                        wsse__Security;
};

// The second wrapper has types there, but no operation: gSOAP makes a call of a declaration.
//gsoap ns3 service name:	SecondWrapper
//gsoap ns3 service style:	document
//gsoap ns3 service encoding:	literal
//gsoap ns3 service method-action:	sendMessageRequest ""
int __ns3__sendMessageRequest(
    ns3__sendMessageRequest*    ns3__sendMessageRequest_,
    ns3__sendMessageResponse&   ns3__sendMessageResponse_
);
