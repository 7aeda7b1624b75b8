import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestDataJsonConverter;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.MetadataResponseDataJsonConverter;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseBroker;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponsePartition;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseTopic;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;

/** wire/metadata.json: Metadata, version 12. */
final class GoldenMetadata {
    private static final short VERSION = 12;
    private static final Uuid LOGS = Uuid.fromString("dq5S9CQ3QqWKDNhZ-3J0Uw");
    private static final Uuid AUDIT = Uuid.fromString("XCp29HjmS_aaWElAWRR7qg");

    static void write(Path directory) throws IOException {
        GoldenMessage file = new GoldenMessage(ApiKeys.METADATA);
        requests(file);
        responses(file);
        file.save(directory.resolve("metadata.json"));
    }

    private static void requests(GoldenMessage file) {
        ask(file, "two topics by name", request(true, named("logs"), named("audit")));
        ask(file, "by name, not to be created", request(false, named("logs")));
        ask(file, "by id", request(false, new MetadataRequestTopic().setName(null).setTopicId(LOGS)));
        ask(file, "no topics: only the brokers", request(false));
        ask(file, "all topics", new MetadataRequestData().setTopics(null).setAllowAutoTopicCreation(false));
        ask(file, "authorized operations too", request(false, named("logs")).setIncludeTopicAuthorizedOperations(true));
    }

    private static void responses(GoldenMessage file) {
        answer(file, "one broker, one topic", response("kafka-1", 1, topic(Errors.NONE, "logs", LOGS, partition(0, 1, 0))));
        MetadataResponseData three = response("kafka-3", 2,
                topic(Errors.NONE, "logs", LOGS, partition(0, 1, 17), partition(1, 2, 3), partition(2, 3, 0)),
                topic(Errors.NONE, "__consumer_offsets", AUDIT, partition(0, 2, 1)).setIsInternal(true));
        three.brokers().add(broker(2, "kafka-2.example", "rack-b"));
        three.brokers().add(broker(3, "fd00::3", ""));
        answer(file, "three brokers with racks, leader epochs, an internal topic", three);
        answer(file, "errors of topics beside a good one", response("kafka-1", 1,
                topic(Errors.NONE, "logs", LOGS, partition(0, 1, 0)),
                topic(Errors.UNKNOWN_TOPIC_OR_PARTITION, "missing", Uuid.ZERO_UUID),
                topic(Errors.INVALID_TOPIC_EXCEPTION, "no/such name", Uuid.ZERO_UUID),
                topic(Errors.TOPIC_AUTHORIZATION_FAILED, "secret", Uuid.ZERO_UUID)));
        answer(file, "unknown id: no name", response("kafka-1", 1, topic(Errors.UNKNOWN_TOPIC_ID, null, AUDIT)));
        answer(file, "partitions without a leader, replicas offline", response("kafka-1", 1, topic(Errors.NONE, "logs", LOGS,
                partition(0, 1, 5).setReplicaNodes(List.of(1, 2, 3)).setIsrNodes(List.of(1)).setOfflineReplicas(List.of(2, 3)),
                partition(1, -1, 6).setErrorCode(Errors.LEADER_NOT_AVAILABLE.code()).setIsrNodes(List.of()),
                partition(2, 9, -1).setErrorCode(Errors.REPLICA_NOT_AVAILABLE.code()))));
        answer(file, "nothing known yet",
                new MetadataResponseData().setThrottleTimeMs(200).setClusterId(null).setControllerId(-1));
        MetadataResponseData tagged = response("kafka-1", 1, topic(Errors.NONE, "logs", LOGS, partition(0, 1, 0)));
        tagged.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        tagged.brokers().forEach(broker -> broker.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS));
        tagged.topics().forEach(topic -> {
            topic.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
            topic.partitions().forEach(part -> part.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS));
        });
        file.response("unknown tagged fields at every level", VERSION, tagged,
                MetadataResponseDataJsonConverter.write(tagged, VERSION), GoldenMessage.UNKNOWN_TAGS);
    }

    private static void ask(GoldenMessage file, String what, MetadataRequestData data) {
        file.request(what, VERSION, "logagent", data, MetadataRequestDataJsonConverter.write(data, VERSION));
    }

    private static void answer(GoldenMessage file, String what, MetadataResponseData data) {
        file.response(what, VERSION, data, MetadataResponseDataJsonConverter.write(data, VERSION));
    }

    private static MetadataRequestData request(boolean create, MetadataRequestTopic... topics) {
        return new MetadataRequestData().setTopics(List.of(topics)).setAllowAutoTopicCreation(create);
    }

    private static MetadataRequestTopic named(String name) {
        return new MetadataRequestTopic().setName(name);
    }

    private static MetadataResponseData response(String host, int controller, MetadataResponseTopic... topics) {
        MetadataResponseData data = new MetadataResponseData().setClusterId("T5C8xgZkQ5K3rzvmLjSfTw").setControllerId(controller);
        data.brokers().add(broker(1, host, null));
        data.topics().addAll(List.of(topics));
        return data;
    }

    private static MetadataResponseBroker broker(int node, String host, String rack) {
        return new MetadataResponseBroker().setNodeId(node).setHost(host).setPort(9092).setRack(rack);
    }

    private static MetadataResponseTopic topic(Errors error, String name, Uuid id, MetadataResponsePartition... partitions) {
        return new MetadataResponseTopic()
                .setErrorCode(error.code())
                .setName(name)
                .setTopicId(id)
                .setPartitions(List.of(partitions));
    }

    private static MetadataResponsePartition partition(int index, int leader, int leaderEpoch) {
        return new MetadataResponsePartition()
                .setPartitionIndex(index)
                .setLeaderId(leader)
                .setLeaderEpoch(leaderEpoch)
                .setReplicaNodes(List.of(1, 2, 3))
                .setIsrNodes(List.of(1, 2, 3));
    }
}
