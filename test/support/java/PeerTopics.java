import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Operations of tests on topics and their leaders. Each one ends once the cluster shows its effect. */
final class PeerTopics {
    private interface Condition {
        boolean holds() throws Exception;
    }

    static JsonNode perform(Admin admin, JsonNode request) throws Exception {
        String topic = request.path("topic").asText();
        String op = request.path("op").asText();
        switch (op) {
            case "ready":
                return ready(admin, request);
            case "createTopic":
                return create(admin, topic, request);
            case "deleteTopic":
                admin.deleteTopics(List.of(topic)).all().get();
                until(request, () -> !admin.listTopics().names().get().contains(topic));
                return null;
            case "addPartitions":
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(request.path("partitions").asInt()))).all().get();
                return describe(awaitLeaders(admin, topic, request));
            case "configureTopic":
                return configure(admin, topic, request);
            case "describeTopic":
                return describe(look(admin, topic));
            case "offsets":
                return offsets(admin, topic, request.path("spec").asText());
            case "moveLeader":
                return moveLeader(admin, topic, request);
            default:
                throw new IllegalArgumentException("no such operation: " + op);
        }
    }

    /** Waits until this broker itself responds, and lists at least the wanted number of unfenced brokers and itself. */
    private static JsonNode ready(Admin admin, JsonNode request) throws Exception {
        until(request, () -> {
            var nodes = admin.describeCluster().nodes().get();
            return nodes.size() >= request.path("brokers").asInt()
                    && nodes.stream().anyMatch(node -> node.id() == request.path("node").asInt());
        });
        return null;
    }

    private static JsonNode create(Admin admin, String topic, JsonNode request) throws Exception {
        NewTopic wanted;
        if (request.hasNonNull("assignment")) {
            Map<Integer, List<Integer>> replicas = new HashMap<>();
            for (JsonNode of : request.path("assignment")) replicas.put(replicas.size(), integers(of));
            wanted = new NewTopic(topic, replicas);
        } else {
            wanted = new NewTopic(
                    topic, request.path("partitions").asInt(1), (short) request.path("replicationFactor").asInt(1));
        }
        Map<String, String> configs = new HashMap<>();
        request.path("configs").fields().forEachRemaining(entry -> configs.put(entry.getKey(), entry.getValue().asText()));
        admin.createTopics(List.of(wanted.configs(configs))).all().get();
        return describe(awaitLeaders(admin, topic, request));
    }

    private static JsonNode configure(Admin admin, String topic, JsonNode request) throws Exception {
        Collection<AlterConfigOp> changes = new ArrayList<>();
        request.path("configs").fields().forEachRemaining(entry -> changes.add(new AlterConfigOp(
                new ConfigEntry(entry.getKey(), entry.getValue().asText()), AlterConfigOp.OpType.SET)));
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), changes)).all().get();
        return null;
    }

    private static JsonNode offsets(Admin admin, String topic, String spec) throws Exception {
        OffsetSpec wanted = spec.equals("start") ? OffsetSpec.earliest() : OffsetSpec.latest();
        Map<TopicPartition, OffsetSpec> partitions = lookLong(admin, topic).partitions().stream()
                .collect(Collectors.toMap(part -> new TopicPartition(topic, part.partition()), part -> wanted));
        ArrayNode found = PeerConnection.JSON.createArrayNode();
        var answers = listOffsets(admin, partitions);
        for (int partition = 0; partition < partitions.size(); partition++) {
            found.add(answers.get(new TopicPartition(topic, partition)).offset());
        }
        return found;
    }

    /**
     * Lists offsets, with retries: the client waits for a leader that has just gone although another one is known by then,
     * and a new leader may not know its offsets at once.
     */
    private static Map<TopicPartition, ListOffsetsResult.ListOffsetsResultInfo> listOffsets(
            Admin admin, Map<TopicPartition, OffsetSpec> partitions) throws Exception {
        for (int attempts = 1;; attempts++) {
            try {
                return admin.listOffsets(partitions, new ListOffsetsOptions().timeoutMs(3_000)).all().get();
            } catch (ExecutionException late) {
                if (!(late.getCause() instanceof RetriableException) || attempts == 20) throw late;
                Thread.sleep(100);
            }
        }
    }

    /** Makes a node the leader: puts it first in the list (the preferred replica), lets it catch up, and elects it. */
    private static JsonNode moveLeader(Admin admin, String topic, JsonNode request) throws Exception {
        int node = request.path("node").asInt();
        TopicPartition partition = new TopicPartition(topic, request.path("partition").asInt());
        TopicPartitionInfo now = look(admin, topic).partitions().get(partition.partition());
        if (now.leader() != null && now.leader().id() == node) return null;
        List<Integer> replicas = new ArrayList<>(now.replicas().stream().map(replica -> replica.id()).toList());
        if (!replicas.remove((Integer) node)) replicas.remove(replicas.size() - 1);
        replicas.add(0, node);
        admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas)))).all().get();
        until(request, () -> admin.listPartitionReassignments(Set.of(partition)).reassignments().get().isEmpty());
        until(request, () -> {
            try {
                admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).all().get();
            } catch (ExecutionException refused) {
                if (!(refused.getCause() instanceof ElectionNotNeededException)) return false;
            }
            TopicPartitionInfo then = look(admin, topic).partitions().get(partition.partition());
            return then.leader() != null && then.leader().id() == node;
        });
        return null;
    }

    static TopicDescription look(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    /** Describes a topic that exists, with retries: a broker that was just started may not know it yet. */
    private static TopicDescription lookLong(Admin admin, String topic) throws Exception {
        for (int attempts = 1;; attempts++) {
            try {
                return look(admin, topic);
            } catch (ExecutionException notYet) {
                if (!(notYet.getCause() instanceof UnknownTopicOrPartitionException) || attempts == 20) throw notYet;
                Thread.sleep(100);
            }
        }
    }

    private static TopicDescription awaitLeaders(Admin admin, String topic, JsonNode request) throws Exception {
        // the broker that gets the next request may not know the topic yet
        TopicDescription[] seen = new TopicDescription[1];
        until(request, () -> {
            try {
                seen[0] = look(admin, topic);
                var partitions = seen[0].partitions();
                return partitions.size() >= request.path("partitions").asInt(1)
                        && partitions.stream().allMatch(part -> part.leader() != null && !part.leader().isEmpty());
            } catch (ExecutionException notYet) {
                if (notYet.getCause() instanceof UnknownTopicOrPartitionException) return false;
                throw notYet;
            }
        });
        return seen[0];
    }

    private static JsonNode describe(TopicDescription topic) {
        ObjectNode described = PeerConnection.JSON.createObjectNode();
        described.put("name", topic.name());
        described.put("id", topic.topicId().toString());
        ArrayNode partitions = described.putArray("partitions");
        for (TopicPartitionInfo info : topic.partitions()) {
            ObjectNode part = partitions.addObject();
            part.put("partition", info.partition());
            part.put("leader", info.leader() == null ? -1 : info.leader().id());
            part.set("replicas", PeerConnection.JSON.valueToTree(info.replicas().stream().map(node -> node.id()).toList()));
            part.set("isr", PeerConnection.JSON.valueToTree(info.isr().stream().map(node -> node.id()).toList()));
        }
        return described;
    }

    private static List<Integer> integers(JsonNode array) {
        List<Integer> list = new ArrayList<>();
        array.forEach(item -> list.add(item.asInt()));
        return list;
    }

    private static void until(JsonNode request, Condition condition) throws Exception {
        long withinMs = request.path("withinMs").asLong(30_000);
        long deadline = System.nanoTime() + withinMs * 1_000_000;
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) throw new TimeoutException("not so within " + withinMs + " ms");
            Thread.sleep(20);
        }
    }
}
