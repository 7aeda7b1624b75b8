import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestDataJsonConverter;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.message.ProduceResponseDataJsonConverter;
import org.apache.kafka.common.message.ProduceResponseData.BatchIndexAndErrorMessage;
import org.apache.kafka.common.message.ProduceResponseData.PartitionProduceResponse;
import org.apache.kafka.common.message.ProduceResponseData.TopicProduceResponse;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;

/** wire/produce.json: Produce, version 9. */
final class GoldenProduce {
    private static final short VERSION = 9;

    static void write(Path directory) throws IOException {
        GoldenMessage file = new GoldenMessage(ApiKeys.PRODUCE);
        requests(file);
        responses(file);
        file.save(directory.resolve("produce.json"));
    }

    private static void requests(GoldenMessage file) {
        ask(file, "one partition", "logagent", request(-1, null, topic("logs", partition(0, "a line"))));
        ask(file, "several topics and partitions, no client id", null, request(1, null,
                topic("logs", partition(0, "a"), partition(5, "b", "c")), topic("audit", partition(2, "d"))));
        ask(file, "a transaction, a client id in UTF-8", "agent-日本", request(-1, "tx-1", topic("logs", partition(0, "a"))));
        ask(file, "acks 0, nothing in it", "", request(0, null));
        PartitionProduceData[] many = new PartitionProduceData[130];
        for (int index = 0; index < many.length; index++) many[index] = partition(index, "p" + index);
        ask(file, "130 partitions: two bytes of array length", "logagent", request(-1, null, topic("t".repeat(200), many)));
    }

    private static void responses(GoldenMessage file) {
        answer(file, "one stored", response(0, topic("logs", stored(0, 42))));
        answer(file, "several, one of them with another time and start", response(0,
                topic("logs", stored(0, 42), stored(5, 1L << 40).setLogAppendTimeMs(1_795_348_800_000L).setLogStartOffset(7)),
                topic("audit", stored(2, 0))));
        answer(file, "errors per partition among stored ones", response(150,
                topic("logs", stored(0, 42), failed(1, Errors.NOT_LEADER_OR_FOLLOWER), failed(2, Errors.NOT_ENOUGH_REPLICAS),
                        failed(3, Errors.OUT_OF_ORDER_SEQUENCE_NUMBER), failed(4, Errors.DUPLICATE_SEQUENCE_NUMBER)),
                topic("gone", failed(0, Errors.UNKNOWN_TOPIC_OR_PARTITION))));
        answer(file, "record errors, with and without messages", response(0, topic("logs",
                failed(0, Errors.INVALID_RECORD)
                        .setErrorMessage("One or more records have been rejected")
                        .setRecordErrors(List.of(
                                new BatchIndexAndErrorMessage().setBatchIndex(0).setBatchIndexErrorMessage(null),
                                new BatchIndexAndErrorMessage().setBatchIndex(3).setBatchIndexErrorMessage("größer als erlaubt"))),
                failed(1, Errors.MESSAGE_TOO_LARGE).setErrorMessage(""))));
        answer(file, "no topics", response(1, new TopicProduceResponse[0]));
        PartitionProduceResponse tagged = stored(0, 42);
        tagged.setRecordErrors(List.of(new BatchIndexAndErrorMessage().setBatchIndex(1)));
        tagged.recordErrors().get(0).unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        tagged.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        TopicProduceResponse topic = topic("logs", tagged, stored(1, 43));
        topic.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        ProduceResponseData data = response(0, topic);
        data.unknownTaggedFields().addAll(GoldenMessage.UNKNOWN_TAGS);
        JsonNode described = ProduceResponseDataJsonConverter.write(data, VERSION);
        file.response("unknown tagged fields at every level", VERSION, data, described, GoldenMessage.UNKNOWN_TAGS);
    }

    private static void ask(GoldenMessage file, String what, String clientId, ProduceRequestData data) {
        JsonNode described = ProduceRequestDataJsonConverter.write(data, VERSION);
        // Kafka's JSON has only the size of the records
        int topicIndex = 0;
        for (TopicProduceData topic : data.topicData()) {
            JsonNode partitions = described.path("topicData").path(topicIndex++).path("partitionData");
            for (int index = 0; index < partitions.size(); index++) {
                ByteBuffer records = ((MemoryRecords) topic.partitionData().get(index).records()).buffer();
                byte[] bytes = new byte[records.remaining()];
                records.get(bytes);
                ((ObjectNode) partitions.get(index)).put("records", Golden.base64(bytes)).remove("recordsSizeInBytes");
            }
        }
        file.request(what, VERSION, clientId, data, described);
    }

    private static void answer(GoldenMessage file, String what, ProduceResponseData data) {
        file.response(what, VERSION, data, ProduceResponseDataJsonConverter.write(data, VERSION));
    }

    private static ProduceRequestData request(int acks, String transactionalId, TopicProduceData... topics) {
        ProduceRequestData data =
                new ProduceRequestData().setAcks((short) acks).setTimeoutMs(30_000).setTransactionalId(transactionalId);
        data.topicData().addAll(List.of(topics));
        return data;
    }

    private static TopicProduceData topic(String name, PartitionProduceData... partitions) {
        return new TopicProduceData().setName(name).setPartitionData(List.of(partitions));
    }

    private static PartitionProduceData partition(int index, String... lines) {
        SimpleRecord[] records = new SimpleRecord[lines.length];
        for (int i = 0; i < lines.length; i++) {
            records[i] = new SimpleRecord(1_795_348_800_000L, null, GoldenBatches.text(lines[i]));
        }
        return new PartitionProduceData().setIndex(index).setRecords(MemoryRecords.withRecords(Compression.NONE, records));
    }

    private static ProduceResponseData response(int throttleMs, TopicProduceResponse... topics) {
        ProduceResponseData data = new ProduceResponseData().setThrottleTimeMs(throttleMs);
        data.responses().addAll(List.of(topics));
        return data;
    }

    private static TopicProduceResponse topic(String name, PartitionProduceResponse... partitions) {
        return new TopicProduceResponse().setName(name).setPartitionResponses(List.of(partitions));
    }

    private static PartitionProduceResponse stored(int index, long baseOffset) {
        return new PartitionProduceResponse().setIndex(index).setBaseOffset(baseOffset).setLogAppendTimeMs(-1).setLogStartOffset(0);
    }

    private static PartitionProduceResponse failed(int index, Errors error) {
        return new PartitionProduceResponse().setIndex(index).setErrorCode(error.code()).setBaseOffset(-1);
    }
}
