import java.io.IOException;
import java.nio.file.Path;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsRequestDataJsonConverter;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.ApiVersionsResponseDataJsonConverter;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.message.ApiVersionsResponseData.FinalizedFeatureKey;
import org.apache.kafka.common.message.ApiVersionsResponseData.SupportedFeatureKey;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdRequestDataJsonConverter;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.message.InitProducerIdResponseDataJsonConverter;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;

/** wire/init-producer-id.json: InitProducerId, version 4. wire/api-versions.json: ApiVersions, version 3, with responses in 0. */
final class GoldenSmallApis {
    static void write(Path directory) throws IOException {
        GoldenMessage producer = new GoldenMessage(ApiKeys.INIT_PRODUCER_ID);
        ask(producer, "a first id", new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(60_000));
        ask(producer, "the next epoch of an id", new InitProducerIdRequestData()
                .setTransactionalId(null).setTransactionTimeoutMs(60_000).setProducerId(4242).setProducerEpoch((short) 7));
        ask(producer, "for transactions", new InitProducerIdRequestData().setTransactionalId("tx-1").setTransactionTimeoutMs(1));
        answer(producer, "an id", new InitProducerIdResponseData().setProducerId(4242).setProducerEpoch((short) 0));
        answer(producer, "a large id, the last epoch but one", new InitProducerIdResponseData()
                .setProducerId((1L << 40) + 5).setProducerEpoch((short) 32_766));
        answer(producer, "still loading", new InitProducerIdResponseData().setThrottleTimeMs(100)
                .setErrorCode(Errors.COORDINATOR_LOAD_IN_PROGRESS.code()).setProducerId(-1).setProducerEpoch((short) -1));
        InitProducerIdResponseData tagged = new InitProducerIdResponseData().setProducerId(1);
        tagged.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        producer.response("unknown tagged fields", 4, tagged,
                InitProducerIdResponseDataJsonConverter.write(tagged, (short) 4), GoldenMessage.UNKNOWN_TAGS);
        producer.save(directory.resolve("init-producer-id.json"));

        GoldenMessage versions = new GoldenMessage(ApiKeys.API_VERSIONS);
        ApiVersionsRequestData request =
                new ApiVersionsRequestData().setClientSoftwareName("logagent").setClientSoftwareVersion("0.1.0");
        versions.request("who we are", 3, "logagent", request, ApiVersionsRequestDataJsonConverter.write(request, (short) 3));
        answer(versions, "what a broker knows", 3, known());
        ApiVersionsResponseData full = known();
        full.supportedFeatures().add(
                new SupportedFeatureKey().setName("metadata.version").setMinVersion((short) 7).setMaxVersion((short) 27));
        full.finalizedFeatures().add(
                new FinalizedFeatureKey().setName("metadata.version").setMinVersionLevel((short) 27).setMaxVersionLevel((short) 27));
        full.setFinalizedFeaturesEpoch(1234).setZkMigrationReady(true).setThrottleTimeMs(5);
        full.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        full.apiKeys().forEach(key -> key.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS));
        answer(versions, "features as tagged fields, unknown ones beside them", 3, full);
        // A broker that does not know the requested version responds in version 0, which has no tagged fields.
        ApiVersionsResponseData refused = new ApiVersionsResponseData().setErrorCode(Errors.UNSUPPORTED_VERSION.code());
        refused.apiKeys().add(key(ApiKeys.API_VERSIONS, 0, 2));
        answer(versions, "version 3 is not known: answered in version 0", 0, refused);
        versions.save(directory.resolve("api-versions.json"));
    }

    private static ApiVersionsResponseData known() {
        ApiVersionsResponseData data = new ApiVersionsResponseData();
        data.apiKeys().add(key(ApiKeys.PRODUCE, 3, 13));
        data.apiKeys().add(key(ApiKeys.METADATA, 0, 13));
        data.apiKeys().add(key(ApiKeys.API_VERSIONS, 0, 4));
        data.apiKeys().add(key(ApiKeys.INIT_PRODUCER_ID, 0, 6));
        return data;
    }

    private static ApiVersion key(ApiKeys api, int min, int max) {
        return new ApiVersion().setApiKey(api.id).setMinVersion((short) min).setMaxVersion((short) max);
    }

    private static void ask(GoldenMessage file, String what, InitProducerIdRequestData data) {
        file.request(what, 4, "logagent", data, InitProducerIdRequestDataJsonConverter.write(data, (short) 4));
    }

    private static void answer(GoldenMessage file, String what, InitProducerIdResponseData data) {
        file.response(what, 4, data, InitProducerIdResponseDataJsonConverter.write(data, (short) 4));
    }

    private static void answer(GoldenMessage file, String what, int version, ApiVersionsResponseData data) {
        file.response(what, version, data, ApiVersionsResponseDataJsonConverter.write(data, (short) version));
    }
}
