using System.CommandLine;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh service</c>: the endpoints of services and who answers there.</summary>
internal static class ServiceCommand
{
    public static Command Create(CommandContext context)
    {
        var name = new Argument<string>("SERVICE") { Description = "NAME.NAMESPACE:PORT" };
        var endpoints = new Option<string[]>("--endpoint")
        {
            Description = "IP:PORT, or IP:PORT=SPIFFE-ID where it is meshed; may be repeated", HelpName = "ENDPOINT", DefaultValueFactory = _ => [],
        };
        var addresses = new Option<string[]>("--address")
        {
            Description = "IP that means the service, at the port of its name; may be repeated", HelpName = "IP", DefaultValueFactory = _ => [],
        };
        var set = new MeshCommand(
            "set",
            "Replace the endpoints and addresses of a service",
            "mesh service set voting.emojivoto:8080 --endpoint 10.0.0.7:4143=spiffe://mesh.example/ns/emojivoto/sa/voting",
            "mesh service set voting.emojivoto:8080 --address 10.96.0.7 --endpoint 10.0.0.7:4143=spiffe://mesh.example/ns/emojivoto/sa/voting",
            "mesh service set legacy.shop:5432 --endpoint 10.0.0.9:5432   one that is not meshed",
            "mesh service set voting.emojivoto:8080                       nowhere any more")
        {
            name, endpoints, addresses,
        };
        set.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var request = new SetServiceRequest { Name = parsed.GetValue(name) };
            request.Endpoints.AddRange(parsed.GetValue(endpoints)!.Select(Read));
            request.Addresses.AddRange(parsed.GetValue(addresses)!);
            using var admin = context.Connect(parsed);
            var service = await admin.CallAsync((client, options) => client.SetServiceAsync(request, options), cancellationToken);
            Write(context, parsed, [service]);
            return ExitCodes.Ok;
        }));

        var list = new MeshCommand("list", "Show every service", "mesh service list");
        list.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var response = await admin.CallAsync((client, options) => client.ListServicesAsync(new ListServicesRequest(), options), cancellationToken);
            Write(context, parsed, response.Services);
            return ExitCodes.Ok;
        }));
        return new Command("service", "Show and set where services are") { set, list, CreateShow(context) };
    }

    private static MeshCommand CreateShow(CommandContext context)
    {
        var name = new Argument<string>("SERVICE") { Description = "NAME.NAMESPACE:PORT" };
        var show = new MeshCommand("show", "Show one service: its addresses, its endpoints, and who answers there", "mesh service show voting.emojivoto:8080")
        {
            name,
        };
        show.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var request = new GetServiceRequest { Name = parsed.GetValue(name) };
            var service = await admin.CallAsync((client, options) => client.GetServiceAsync(request, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(service));
            }
            else
            {
                Write(context, parsed, [service]);
            }

            return ExitCodes.Ok;
        }));
        return show;
    }

    private static Endpoint Read(string text) => text.Split('=', 2) is [var address, var id]
        ? new Endpoint { Address = address, SpiffeId = id }
        : new Endpoint { Address = text };

    private static void Write(CommandContext context, ParseResult parsed, Google.Protobuf.Collections.RepeatedField<Service> services)
    {
        if (context.WantsJson(parsed))
        {
            Console.WriteLine(JsonOutput.Of(services));
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("SERVICE", "ADDRESS", "ENDPOINT", "IDENTITY");
        foreach (var service in services)
        {
            foreach (var endpoint in service.Endpoints.DefaultIfEmpty(new Endpoint { Address = "(none)" }))
            {
                table.AddRow(
                    new Text(service.Name),
                    new Text(service.Addresses.Count > 0 ? string.Join(", ", service.Addresses) : "-"),
                    new Text(endpoint.Address),
                    new Text(endpoint.SpiffeId.Length > 0 ? endpoint.SpiffeId : "-"));
            }
        }

        CommandContext.Write(table);
    }
}
