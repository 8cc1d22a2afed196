import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.bind.JAXBContext;
import javax.xml.bind.JAXBElement;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;
import javax.xml.namespace.QName;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Dispatch;
import javax.xml.ws.Service;
import javax.xml.ws.handler.Handler;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import javax.xml.ws.soap.SOAPFaultException;
import kz._2fa_chain.service.ns.kdp.GetUserDataRequest;
import kz._2fa_chain.service.ns.kdp.GetUserDataResponse;
import kz.bee.bip.common.v10.types.ErrorInfo;
import kz.bee.bip.syncchannel.v10.interfaces.binding2.ISyncChannel;
import kz.bee.bip.syncchannel.v10.interfaces.binding2.ISyncChannelHttpService;
import kz.bee.bip.syncchannel.v10.interfaces.binding2.SendMessageSendMessageFaultMsg;
import org.w3c.dom.Node;

/** KDP_SERVICE by what wsimport of JAX-WS RI makes of the WSDL: its operation, and the second wrapper by Dispatch. */
public final class Client {
    private static final String WSSE =
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";

    private static final Map<String, String> given = new HashMap<>();
    private static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int at = line.indexOf('=');
            given.put(line.substring(0, at), line.substring(at + 1));
        }
        ISyncChannelHttpService service = new ISyncChannelHttpService(new URL(given.get("wsdl")));
        if (given.get("wrapper").equals("kdp")) {
            byElement(service);
        } else {
            byOperation(service);
        }
    }

    private static void byOperation(ISyncChannelHttpService service) throws Exception {
        ISyncChannel port = service.getSyncChannelHttpPort();
        prepare((BindingProvider) port);
        var sender = new kz.bee.bip.common.v10.types.SenderInfo();
        sender.setSenderId(given.get("senderId"));
        sender.setPassword(given.get("password"));
        var info = new kz.bee.bip.syncchannel.v10.types.request.RequestInfo();
        info.setMessageId(given.get("messageId"));
        info.setServiceId(given.get("serviceId"));
        info.setMessageDate(date(given.get("messageDate")));
        info.setSender(sender);
        var data = new kz.bee.bip.syncchannel.v10.types.request.RequestData();
        data.setData(payload());
        var request = new kz.bee.bip.syncchannel.v10.types.request.SyncRequest();
        request.setRequestInfo(info);
        request.setRequestData(data);
        try {
            var response = port.sendMessage(request);
            var status = response.getResponseInfo().getStatus();
            tell("info.code", status.getCode());
            tell("info.message", status.getMessage());
            // anyType without xsi:type comes as DOM; its type is the caller's knowledge.
            Node came = (Node) response.getResponseData().getData();
            tellData(context().createUnmarshaller().unmarshal(came, GetUserDataResponse.class).getValue());
        } catch (SendMessageSendMessageFaultMsg refused) {
            tellFault(refused.getMessage(), refused.getFaultInfo());
        }
    }

    /** The WSDL has no operation for the second wrapper, but its types. */
    private static void byElement(ISyncChannelHttpService service) throws Exception {
        QName name = service.getPorts().next();
        Dispatch<Object> dispatch = service.createDispatch(name, context(), Service.Mode.PAYLOAD);
        prepare(dispatch);
        var sender = new kz._2fa_chain.service.ns.kdp.SenderInfo();
        sender.setSenderId(given.get("senderId"));
        sender.setPassword(given.get("password"));
        var info = new kz._2fa_chain.service.ns.kdp.RequestInfo();
        info.setMessageId(given.get("messageId"));
        info.setServiceId(given.get("serviceId"));
        info.setMessageDate(date(given.get("messageDate")));
        info.setSender(sender);
        var data = new kz._2fa_chain.service.ns.kdp.RequestData();
        data.setData(payload());
        var request = new kz._2fa_chain.service.ns.kdp.Request();
        request.setRequestInfo(info);
        request.setRequestData(data);
        var message = new kz._2fa_chain.service.ns.kdp.SendMessageRequest();
        message.setRequest(request);
        try {
            var came = (JAXBElement<?>) dispatch.invoke(
                new kz._2fa_chain.service.ns.kdp.ObjectFactory().createSendMessageRequest(message));
            var response = ((kz._2fa_chain.service.ns.kdp.SendMessageResponse) came.getValue()).getResponse();
            tell("info.code", response.getResponseInfo().getStatus().getCode());
            tell("info.message", response.getResponseInfo().getStatus().getMessage());
            tellData(response.getResponseData().getData());
        } catch (SOAPFaultException refused) {
            Node detail = refused.getFault().getDetail().getFirstChild();
            var error = context().createUnmarshaller().unmarshal(detail, ErrorInfo.class).getValue();
            tellFault(refused.getFault().getFaultString(), error);
        }
    }

    private static JAXBContext context() throws Exception {
        return JAXBContext.newInstance(
            kz._2fa_chain.service.ns.kdp.ObjectFactory.class,
            kz.bee.bip.syncchannel.v10.types.ObjectFactory.class,
            kz.bee.bip.common.v10.types.ObjectFactory.class);
    }

    private static GetUserDataRequest payload() {
        GetUserDataRequest payload = new GetUserDataRequest();
        payload.setUin(given.get("data.uin"));
        payload.setCompany(given.get("data.company"));
        payload.setCompanyBin(given.get("data.company_bin"));
        payload.setCompanyResponsible(given.get("data.company_responsible"));
        payload.setEmployeeName(given.get("data.employee_name"));
        payload.setAccessName(given.get("data.access_name"));
        payload.setPersonalDataName(given.get("data.personal_data_name"));
        payload.setOvt(given.get("data.ovt"));
        payload.setLang(given.get("data.lang"));
        if (given.containsKey("data.expiresIn")) {
            payload.setExpiresIn(new BigInteger(given.get("data.expiresIn")));
        }
        if (given.containsKey("data.omit-sms")) {
            payload.setOmitSms(Boolean.valueOf(given.get("data.omit-sms")));
        }
        if (given.containsKey("data.method")) {
            payload.setMethod(Integer.valueOf(given.get("data.method")));
        }
        return payload;
    }

    private static XMLGregorianCalendar date(String text) throws Exception {
        return DatatypeFactory.newInstance().newXMLGregorianCalendar(text);
    }

    private static void prepare(BindingProvider provider) {
        provider.getRequestContext().put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, given.get("address"));
        provider.getBinding().setHandlerChain(List.<Handler>of(new Security()));
    }

    /** Says that wsse:Security, which answers carry with mustUnderstand, is understood: its verifier stands here. */
    private static final class Security implements SOAPHandler<SOAPMessageContext> {
        @Override
        public Set<QName> getHeaders() {
            return Set.of(new QName(WSSE, "Security"));
        }

        @Override
        public boolean handleMessage(SOAPMessageContext context) {
            return true;
        }

        @Override
        public boolean handleFault(SOAPMessageContext context) {
            return true;
        }

        @Override
        public void close(MessageContext context) {
        }
    }

    private static void tellData(GetUserDataResponse data) {
        tell("data.status", data.getStatus());
        tell("data.code", data.getCode());
        tell("data.public-key", data.getPublicKey() == null ? null : Base64.getEncoder().encodeToString(data.getPublicKey()));
        tell("data.request_id", data.getRequestId());
        tell("data.reason", data.getReason());
        tell("data.reason_text", data.getReasonText());
        tell("data.poll_after", data.getPollAfter());
        tell("data.expires_at", data.getExpiresAt());
        tell("data.decision_id", data.getDecisionId());
    }

    private static void tellFault(String text, ErrorInfo error) {
        tell("fault.faultstring", text);
        tell("fault.errorCode", error.getErrorCode());
        tell("fault.errorMessage", error.getErrorMessage());
        tell("fault.errorData", error.getErrorData());
        tell("fault.errorDate", error.getErrorDate());
        tell("fault.sessionId", error.getSessionId());
    }

    private static void tell(String name, Object value) {
        if (value != null) {
            out.println(name + "=" + value);
        }
    }
}
